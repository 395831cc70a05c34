/** 한국어. Keys as in en.js. The words are those of Korean ticket shops: 예매, 대기, 선택 좌석, 취소, 연석, 취소표. */

const numbers = new Intl.NumberFormat('ko');
/** @param {number} n */
const of = (n) => numbers.format(n);

/** @param {number} seconds */
const duration = (seconds) => {
  if (seconds < 60) return `${of(Math.max(1, Math.round(seconds)))}초`;
  if (seconds < 5400) return `${of(Math.round(seconds / 60))}분`;
  return `${of(Math.round(seconds / 360) / 10)}시간`;
};

/** @type {import('./en.js').Words} */
export const words = {
  brand: 'Frontrow',
  skip: '본문 바로가기',
  close: '닫기',
  retry: '다시 시도',
  loading: '잠시만 기다려 주세요…',
  back: '이전',

  nav: { concerts: '공연', tickets: '내 티켓', wallet: '지갑', settings: '설정', main: '주 메뉴' },
  settings: {
    title: '설정',
    language: '언어',
    theme: '화면 테마',
    auto: '기기 설정 따르기',
    light: '라이트',
    dark: '다크',
    signOut: '로그아웃',
    signOutText:
      '이 기기에서 로그인 정보와 대기 순서가 삭제됩니다. 비회원은 다시 로그인할 수 없으니 티켓을 먼저 저장해 주세요.',
  },

  link: {
    connecting: '연결 중입니다…',
    reconnecting: '연결이 끊겨 다시 연결하고 있습니다. 대기 순서와 선택 좌석은 그대로 유지됩니다.',
    offline: '인터넷에 연결되어 있지 않습니다. 대기 순서는 유지되며, 연결되는 즉시 자동으로 다시 접속합니다.',
    resumed: '다시 연결되었습니다.',
  },
  ended: {
    elsewhere: '다른 창에서 접속하여 연결이 종료되었습니다',
    elsewhereText: '이 창에서 계속하시려면 아래 버튼을 눌러 주세요.',
    useHere: '이 창에서 계속하기',
    unknown: '로그인이 만료되었습니다',
    unknownText: '다시 로그인해 주세요.',
    other: '서버와의 연결이 종료되었습니다',
    otherText: '다시 접속해 주세요.',
    expired: '로그인이 만료되었습니다. 다시 로그인해 주세요.',
  },
  token: {
    title: '로그인',
    text: '비회원은 예매하실 수 없습니다. 예매처에서 발급받은 액세스 토큰을 붙여 넣어 주세요.',
    label: '액세스 토큰',
    use: '로그인',
  },

  concerts: {
    title: '실시간 좌석 예매',
    lead: '대기 순서대로 입장해 실시간 좌석 현황을 보며 원하는 좌석을 직접 선택하세요.',
    none: '현재 예매 가능한 공연이 없습니다.',
    noneText: '새로운 공연이 오픈되면 이곳에서 확인하실 수 있습니다.',
    failed: '공연 목록을 불러오지 못했습니다.',
    join: '예매하기',
    joinFor: (title) => `${title} 예매하기`,
    joinEarly: '미리 대기하기',
    continue: '이어서 예매하기',
    continueFor: (title) => `${title} 이어서 예매하기`,
    soldOut: '매진',
    dates: (n) => `총 ${of(n)}회 공연`,
    state: { SCHEDULED: '오픈 예정', OPEN: '예매 중', PAUSED: '일시 중지', CLOSED: '예매 종료' },
    opens: (when) => `${when} 예매 오픈`,
    opensIn: (clock) => `예매 오픈까지 ${clock}`,
    inLine: (position) => `나의 대기 순서 ${of(position)}번`,
    admitted: '지금 예매하실 수 있습니다',
  },

  share: { title: '공유하기', copied: '링크를 복사했습니다.', address: (url) => `예매 링크: ${url}` },

  waiting: {
    title: '대기 중입니다',
    place: '나의 대기 순서',
    ahead: (n) => `내 앞 대기 인원 ${of(n)}명`,
    behind: (n) => `전체 대기 인원 ${of(n)}명`,
    eta: '예상 대기 시간',
    etaValue: (seconds) => `약 ${duration(seconds)}`,
    etaUnknown: '확인 중',
    pace: '분당 입장 인원',
    paceValue: (perMinute) => `약 ${of(perMinute)}명`,
    paceUnknown: '확인 중',
    progress: '대기 진행 상황',
    lock: '화면을 잠그거나 다른 앱을 사용하셔도 됩니다. 연결이 끊겨도 몇 분간 대기 순서가 유지되니 가끔 확인해 주세요.',
    sameEverywhere: '어느 기기에서나 대기 순서가 같으며, 새로고침해도 초기화되지 않습니다.',
    remind: '입장 알림 받기',
    remindOn: '입장 시 알림음과 알림으로 알려 드립니다.',
    remindSound: '입장 시 알림음으로 알려 드립니다. 브라우저에서 알림이 차단되어 있습니다.',
    leave: '대기 취소',
    leaveTitle: '대기를 취소하시겠어요?',
    leaveText: '지금 대기 순서는 사라지며, 다시 대기하시면 맨 뒤에서 시작합니다.',
    leaveYes: '대기 취소',
    stay: '계속 대기하기',
    early: '예매 오픈 전입니다. 지금 받으신 대기 순서는 오픈 후에도 유효합니다.',
    paused: '예매가 일시 중지되었습니다. 대기 순서는 그대로 유지됩니다.',
    fullHouse: '전석 매진되었습니다. 취소표가 나오면 대기 순서대로 입장하실 수 있습니다.',
    next: '다음 입장 순서입니다. 자리가 나는 즉시 입장합니다.',
    titleInLine: (position) => `대기 ${of(position)}번`,
    titleAdmitted: '지금 입장하실 수 있습니다!',
    admittedBody: '바로 좌석을 선택해 주세요.',
    spoken: (position) => `현재 대기 순서는 ${of(position)}번입니다.`,
  },

  lobby: {
    join: '예매하기',
    text: '대기 순서에 따라 입장하여 좌석을 선택합니다.',
    joinEarly: '미리 대기하기',
    early: '아직 예매 오픈 전입니다. 미리 대기하실 수 있습니다.',
    paused: '예매가 일시 중지되었습니다. 재개되면 바로 예매하실 수 있습니다.',
    soldOut: '전석 매진되었습니다. 취소표를 대기하실 수 있습니다.',
    joinSoldOut: '취소표 대기하기',
    over: '이 공연의 예매는 종료되었습니다.',
    expired: {
      left: '대기를 취소하셨습니다',
      away: '오랫동안 접속하지 않아 대기가 종료되었습니다',
      idle: '일정 시간 이용이 없어 예매가 종료되었습니다',
      time: '좌석 선택 시간이 종료되었습니다',
      closed: '예매가 종료되었습니다',
    },
    expiredText: '결제하지 않은 좌석은 취소되었습니다. 다시 대기하시면 맨 뒤에서 시작합니다.',
    closedText: '기다려 주셔서 감사합니다. 이 공연의 예매는 종료되었습니다.',
    again: '다시 대기하기',
    done: '예매가 완료되었습니다',
    doneText: '즐거운 관람 되세요! 추가로 예매하시려면 다시 대기해 주세요.',
    seeTickets: '내 티켓 보기',
    missing: '예매 가능한 공연이 아닙니다',
    missingText: '공연이 종료되었거나 주소가 잘못되었습니다.',
    toConcerts: '공연 목록 보기',
  },

  time: {
    left: '남은 시간',
    toChoose: (clock) => `남은 선택 시간 ${clock}`,
    toPay: (clock) => `결제 마감까지 ${clock}`,
    choosingOver: '좌석 선택 시간이 끝났습니다. 이미 선택하신 좌석은 결제하실 수 있습니다.',
    admissionSoon: '좌석 선택 시간이 2분도 남지 않았습니다.',
    holdSoon: '결제 마감까지 1분도 남지 않았습니다. 지금 결제하지 않으면 선택 좌석이 취소됩니다.',
    holdOver: (labels) => `결제 시간이 지나 선택 좌석이 취소되었습니다: ${labels}`,
    idleTitle: '계속 예매하시겠어요?',
    idleText: (clock) => `응답이 없으면 ${clock} 후 예매가 종료됩니다.`,
    here: '계속 예매하기',
  },

  seats: {
    title: '좌석 선택',
    dates: '관람 일시',
    free: (n) => `잔여 ${of(n)}석`,
    soldOut: '매진',
    filter: '좌석 등급',
    all: '전체',
    best: (n) => (n === 1 ? '좌석 1매 추천' : `연석 ${of(n)}매 추천`),
    others: '다른 좌석 추천',
    legend: '좌석 상태 안내',
    freeOf: (n) => `${of(n)}석`,
    bestHint: '무대와 가까운 연석부터 추천해 드립니다.',
    how: '매수',
    fewer: '1매 빼기',
    more: '1매 더하기',
    map: '배치도',
    list: '목록',
    view: '보기 방식',
    hold: '좌석 선택',
    release: '선택 취소',
    freed: (label) => `취소표가 나왔습니다: ${label}`,
    range: (least, most) => `${least} ~ ${most}`,
    loading: '좌석 정보를 불러오는 중입니다…',
    stale: '좌석 현황을 새로 불러오는 중입니다…',
    failed: '좌석 정보를 불러오지 못했습니다.',
    none: '예매 가능한 회차가 없습니다.',
  },

  map: {
    map: '좌석 배치도',
    instructions:
      '방향키로 구역을 이동하고 Enter 키로 구역에 들어갑니다. 구역 안에서는 방향키로 좌석을 이동하고 Enter 키로 선택하거나 취소하며, Esc 키로 구역 보기로 돌아갑니다. 더하기·빼기 키로 확대·축소합니다.',
    unnamedZone: '구역',
    list: '구역·열별 좌석',
    row: (label) => (label && !label.endsWith('열') ? `${label}열` : label || '열'),
    seat: (number) => `${number}번`,
    place: (parts) => parts.join(' '),
    free: (n) => `잔여 ${of(n)}석`,
    state: { available: '선택 가능', own: '내가 선택한 좌석', held: '이미 선택된 좌석', sold: '예매 완료' },
    zoomIn: '확대',
    zoomOut: '축소',
    whole: '전체 보기',
    minimap: '전체 위치',
    take: '좌석 선택',
    giveBack: '선택 취소',
  },

  cart: {
    title: '선택 좌석',
    empty: '선택하신 좌석이 없습니다. 좌석을 선택하거나 추천 좌석을 이용해 보세요.',
    remove: (label) => `${label} 선택 취소`,
    total: '총 금액',
    checkout: '결제하기',
    seats: (n) => `${of(n)}매`,
    other: '다른 회차에도 선택 좌석이 있습니다. 한 회차를 결제하시면 다른 회차의 선택 좌석은 취소됩니다.',
    held: (labels) => `좌석을 선택했습니다: ${labels}`,
    released: (labels) => `선택을 취소했습니다: ${labels}`,
  },

  checkout: {
    title: '결제',
    seats: '선택 좌석',
    balance: '지갑 잔액',
    after: '결제 후 잔액',
    missing: '충전할 금액',
    pay: (amount) => `${amount} 결제하기`,
    chargeAndPay: (amount) => `${amount} 충전하고 결제하기`,
    charging: '충전 중입니다…',
    paying: '결제 중입니다…',
    waitForLink: '연결이 끊겼습니다. 결제 결과를 계속 확인하고 있으며, 중복 결제되지 않습니다.',
    gone: '선택 좌석이 취소되었습니다',
    goneText: '결제 시간이 지났거나 선택을 취소하셨습니다. 결제된 금액은 없습니다.',
    choose: '좌석 다시 선택하기',
  },

  wallet: {
    title: '지갑',
    balance: '잔액',
    charge: '충전하기',
    amount: '충전 금액',
    amountInvalid: '충전할 금액을 정확히 입력해 주세요.',
    meant: '충전할 금액을 확인해 주세요.',
    charged: (amount) => `${amount} 충전이 완료되었습니다.`,
    history: '이용 내역',
    historyEmpty: '이용 내역이 없습니다.',
    more: '더 보기',
    bought: (title, when, n) => `${title} · ${when} · ${of(n)}매`,
    type: { CHARGE: '충전', PAYMENT: '결제', REFUND: '환불' },
    when: '일시',
    what: '내용',
    change: '금액',
    none: '아직 지갑이 없습니다',
    noneText: '처음 예매하실 때 지갑이 만들어집니다.',
  },

  tickets: {
    title: '내 티켓',
    none: '예매하신 티켓이 없습니다',
    noneText: '예매하신 티켓은 입장용 QR 코드와 함께 이곳에 표시됩니다.',
    thanks: '예매가 완료되었습니다!',
    thanksText: '공연장 입구에서 QR 코드를 보여 주세요. 이 페이지를 닫아도 내 티켓에서 다시 보실 수 있습니다.',
    qr: (label) => `${label} 티켓 QR 코드`,
    show: (label) => `${label} QR 코드 크게 보기`,
    full: '입장용 QR 코드',
    previous: '이전 티켓',
    next: '다음 티켓',
    nth: (n, of) => `${n} / ${of}`,
    code: '입장 코드',
    seat: '좌석',
    offline: '이 기기에서는 인터넷 연결 없이도 티켓을 보실 수 있습니다.',
    stale: (when) => `${when} 기준 정보입니다. 연결되면 최신 정보를 확인합니다.`,
    cancelledTitle: '취소 내역',
    cancelledOn: (when) => `${when} 취소`,
    refunded: (amount) => `지갑 환불 금액 ${amount}`,
    cancel: '예매 취소',
    cancelTitle: '예매를 취소하시겠어요?',
    cancelText: (amount) => `좌석이 취소되고 결제하신 금액(${amount})은 지갑으로 환불됩니다.`,
    cancelYes: '예매 취소',
    keep: '티켓 유지하기',
    cancelled: (amount) => `예매가 취소되었습니다. 지갑 환불 금액: ${amount}`,
  },

  missing: { title: '페이지를 찾을 수 없습니다', text: '주소를 다시 확인해 주세요.' },

  error: {
    taken: (labels) => (labels ? `이미 선택된 좌석입니다: ${labels}` : '이미 선택된 좌석입니다.'),
    stillFree: '지금 선택할 수 있는 좌석:',
    noneNear: '근처에 선택 가능한 좌석이 없습니다. 추천 좌석이나 다른 등급을 이용해 보세요.',
    noSeats: (n) => (n === 1 ? '현재 선택 가능한 좌석이 없습니다.' : `현재 연석 ${of(n)}매를 선택할 수 없습니다. 매수나 등급을 바꿔 보세요.`),
    holdLimit: (max) => `최대 ${of(max)}매까지 선택하실 수 있습니다. 다른 좌석을 선택하시려면 먼저 선택 좌석을 취소해 주세요.`,
    holdLimitPlain: '더 이상 선택하실 수 없습니다. 다른 좌석을 선택하시려면 먼저 선택 좌석을 취소해 주세요.',
    holdAgainLater: (left) => `결제 시간이 지나 취소된 좌석입니다. ${left} 후에 다시 선택하실 수 있습니다.`,
    notInQueue: '대기 중이 아닙니다. 먼저 대기해 주세요.',
    waiting: '아직 입장 전입니다. 잠시만 더 기다려 주세요.',
    tokenExpired: '예매 시간이 종료되었습니다. 다시 대기해 주세요.',
    choosingOver: '좌석 선택 시간이 끝났습니다. 선택 좌석을 결제하시거나 다시 대기해 주세요.',
    tokenDone: '이미 예매하셨습니다. 추가로 예매하시려면 다시 대기해 주세요.',
    notOpen: '아직 예매 오픈 전입니다.',
    paused: '예매가 일시 중지되었습니다. 결제는 가능하며, 좌석 선택은 잠시 후 다시 시도해 주세요.',
    closed: '예매가 종료되었습니다.',
    concertGone: '더 이상 예매할 수 없는 공연입니다.',
    scheduleGone: '더 이상 예매할 수 없는 회차입니다. 다른 회차를 선택해 주세요.',
    seatGone: '존재하지 않는 좌석입니다. 새로고침 후 좌석 배치도를 다시 확인해 주세요.',
    reservationGone: '선택하신 좌석이 아닙니다. 좌석을 다시 선택해 주세요.',
    reservationInvalid: '선택 좌석이 취소되었습니다. 결제된 금액은 없습니다. 좌석을 다시 선택해 주세요.',
    amount: '충전할 수 없는 금액입니다. 다른 금액을 입력해 주세요.',
    balance: (missing) => `잔액이 부족합니다. 충전 후 결제해 주세요. (부족한 금액 ${missing})`,
    balancePlain: '잔액이 부족합니다. 충전 후 결제해 주세요.',
    requestIdReused: '같은 요청이 다른 금액으로 이미 처리되었습니다. 다시 시도해 주세요.',
    busy: '접속자가 많아 처리하지 못했습니다. 잠시 후 다시 시도해 주세요.',
    cancelTooLate: '취소 가능 기간이 지나 취소하실 수 없습니다. 티켓은 그대로 사용하실 수 있습니다.',
    forbidden: '권한이 없습니다.',
    unauthenticated: '로그인이 만료되었습니다. 다시 로그인해 주세요.',
    timeout: '응답이 없습니다. 처리 여부를 확인하신 후 다시 시도해 주세요.',
    disconnected: '서버에 연결할 수 없습니다. 네트워크를 확인하신 후 다시 시도해 주세요.',
    other: '일시적인 오류가 발생했습니다. 다시 시도해 주세요.',
  },
};

/** @type {Record<string, string>} */
const TIERS = { Stalls: '1층', Balcony: '2층', 'Upper Balcony': '3층' };
/** @type {Record<string, string>} */
const BLOCKS = { Left: '좌측', Centre: '중앙', Right: '우측' };

/** @type {import('./en.js').Forms} */
export const forms = {
  // Browsers' own data for Korean differ between versions (오전 or AM, 월 or (월)).
  date: ({ year, month, day, weekday, hour, minute }, form) => {
    const clock = `${hour < 12 ? '오전' : '오후'} ${hour % 12 || 12}:${String(minute).padStart(2, '0')}`;
    return `${form === 'long' ? `${year}년 ` : ''}${month}월 ${day}일 (${'일월화수목금토'[weekday]}) ${clock}`;
  },
  demo: {
    'Front Row Night': '맨 앞자리의 밤',
    'Frontrow Hall': '프론트로 홀',
    'Frontrow Arena': '프론트로 아레나',
    'Frontrow Stadium': '프론트로 스타디움',
    Stage: '무대',
    Pitch: '그라운드',
  },
  zone: (name) =>
    name
      .replace(/^Section (\d+)/, '$1구역')
      .replace(/^Floor (\w+)/, '플로어 $1구역')
      .replace(/^(Stalls|Balcony|Upper Balcony)(?: (Left|Centre|Right|\d+(?= |$)))?(?= |$)/, (_, tier, block) => [TIERS[tier], block && (BLOCKS[block] ?? `${block}구역`)].filter(Boolean).join(' ')),
  money: (number, currency) => (currency === 'KRW' ? `${number}원` : null),
};
