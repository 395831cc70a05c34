/** Korean: what becomes of a concert that is announced. */

/** @type {typeof import('../en/life.js').life} */
export const life = {
  begun: '시작됨',
  move: '일정 변경',
  moveOf: (start) => `${start} 일정 변경`,
  newStart: (zone) => `새 시작 시각(공연장 시간대 ${zone})`,
  newStartHere: '새 시작 시각(이 기기의 시간대)',
  why: '이유',
  whyHint: '팬에게 표시됩니다.',
  lookMove: '변경 내용 확인',
  moveText: (before, after) => `${before}에서 ${after}로 바꿉니다. 티켓은 그대로 유효하며 팬에게 알립니다. 취소 마감은 새 시각을 기준으로 합니다.`,
  moved: '일정을 변경했습니다. 팬에게 알렸습니다.',

  prices: '가격',
  pricesOf: (start) => `${start} 가격`,
  pricesHint: '남은 좌석의 가격입니다. 이미 선점되거나 판매된 좌석의 가격은 그대로입니다.',
  allPerformances: '아직 시작하지 않은 모든 회차에 적용',
  lookPrices: '가격 확인',
  pricesText: '이 회차의 남은 좌석을 지금부터 이 가격에 판매합니다. 이미 선점되거나 판매된 좌석의 가격은 그대로입니다.',
  pricesAllText: '아직 시작하지 않은 모든 회차의 남은 좌석을 지금부터 이 가격에 판매합니다. 이미 선점되거나 판매된 좌석의 가격은 그대로입니다.',
  change: '변경',
  priced: '가격을 변경했습니다.',

  callOff: '공연 취소',
  callOffOf: (start) => `${start} 공연 취소`,
  callOffAll: '모든 회차 취소',
  callOffText: ({ orders, seats, sum, held }) => `결제된 예매 ${orders}건, ${seats}석: ${sum}을 환불합니다. 선점된 ${held}석은 풀립니다.`,
  lookOff: '취소 진행 …',
  callOffSure: ({ orders, sum }) => `예매 ${orders}건의 ${sum}을 지금부터 팬의 지갑으로 환불합니다. 모든 티켓이 무효가 되고 팬에게 이유를 알리며, 이 회차는 더 이상 판매하지 않습니다. 되돌릴 수 없습니다.`,
  callOffAllSure: ({ orders, sum }) => `모든 회차를 취소하고 판매를 종료합니다. 예매 ${orders}건의 ${sum}을 지금부터 팬의 지갑으로 환불합니다. 모든 티켓이 무효가 되고 팬에게 이유를 알립니다. 되돌릴 수 없습니다.`,

  refunds: '환불 진행',
  goesOn: '환불을 진행하고 있습니다.',
  allBack: '모두 환불했습니다.',
  seatsLeft: (n) => `환불할 좌석 ${n}석`,
  ordersDone: (n) => `서버 시작 이후 ${n}건 환불`,
  stuck: (n) => `예매 ${n}건은 지금 환불할 수 없습니다. 자동으로 다시 시도합니다.`,

  texts: '제목, 소개, 포스터',
  textsText: '저장하면 팬에게 바로 보입니다.',
};
