/** The words of a concert's own page, here and not with the others: whoever looks at the list needs none of them. */

const en = {
  failed: 'This page could not be loaded.',
  dates: 'Dates and prices',
  left: (/** @type {string} */ n) => `${n} left`,
  few: (/** @type {string} */ n) => `only ${n} left`,
  none: 'none left',
  about: 'What to know',
  address: 'Address',
  map: 'Look at the map',
  age: 'Age',
  seller: 'Seller',
  terms: 'Terms',
  limits: 'Tickets for one person',
  perOrder: (/** @type {string} */ n) => `At most ${n} seats in one order.`,
  perUser: (/** @type {string} */ n) => `At most ${n} seats for one person, in all dates together.`,
  refund: 'Cancelling',
  refundUntil: (/** @type {string} */ when) => `until ${when}`,
  refundText: 'An order can be cancelled, and the money goes back to the wallet:',
  refundStart: 'An order can be cancelled until the start.',
  agree: 'I have read this and agree to it.',
  agreeTerms: 'I have read the terms and agree to them.',
};

/** @type {typeof en} */
const ko = {
  failed: '이 페이지를 불러오지 못했습니다.',
  dates: '일정과 가격',
  left: (n) => `${n}석 남음`,
  few: (n) => `${n}석만 남음`,
  none: '매진',
  about: '안내',
  address: '주소',
  map: '지도 보기',
  age: '관람 연령',
  seller: '판매자',
  terms: '약관',
  limits: '예매 매수',
  perOrder: (n) => `한 번에 ${n}석까지 예매할 수 있습니다.`,
  perUser: (n) => `모든 회차를 합해 1인당 ${n}석까지 예매할 수 있습니다.`,
  refund: '예매 취소',
  refundUntil: (when) => `${when}까지`,
  refundText: '아래 시각까지 취소할 수 있으며, 결제 금액은 지갑으로 환불됩니다.',
  refundStart: '공연 시작 전까지 취소할 수 있습니다.',
  agree: '위 내용을 확인했으며 동의합니다.',
  agreeTerms: '약관을 확인했으며 동의합니다.',
};

export const WORDS = Object.freeze({ en, ko });
