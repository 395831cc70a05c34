/** English: alarms and webhooks. The Korean file has exactly these keys. */

export const alarms = {
  title: 'Alarms',
  text: 'What is wrong, noticed by the server itself, and what was.',
  open: 'Going on',
  past: 'Over',
  none: 'Nothing is wrong.',
  nonePast: 'There was none yet.',
  more: 'Older ones',
  all: 'All alarms',
  /** @param {string} at */
  since: (at) => `since ${at}`,
  /** @param {string} from @param {string} to */
  fromTo: (from, to) => `${from} to ${to}`,
  end: 'End this',
  /** @param {string} kind @param {string} subject */
  endOf: (kind, subject) => `End this: ${kind}, ${subject}`,
  endText: 'For one whose server is gone, or that is over for another reason. If it is still wrong, it comes again. Everybody who is told of alarms is told that it is over.',
  seen: 'I have seen this',
  /** @param {string} kind @param {string} subject */
  seenOf: (kind, subject) => `I have seen this: ${kind}, ${subject}`,
  /** @param {string} who */
  seenBy: (who) => `Seen by ${who}`,
  unstored: 'The database has not taken this yet.',
  /** @param {number} n */
  count: (n) => (n === 1 ? '1 alarm' : `${n} alarms`),
  kinds: {
    no_movement: { name: 'Nobody moves', text: 'Fans wait and seats are free, but nobody is let in. Look whether the database answers; if it does, restart the server: places in line and held seats stay.' },
    answers_late: { name: 'Answers are late', text: 'Fans wait long for what they ask. Let fewer in at once, and look at the load of the server and the database.' },
    commits_slow: { name: 'The database is slow', text: 'Keeping what was decided takes long. Look at the disk, and at what else uses the database.' },
    lane_out: { name: 'A lane does not answer', text: 'Nothing is decided in the sales of this lane. Look whether the database answers, and whether another program keeps it.' },
    refusals_rising: { name: 'Much is refused', text: 'The server refuses requests for reasons of its own: it is overloaded, or the database is away.' },
    differences: { name: 'Rows differed from memory', text: 'The sweep found rows that were not as they should be, and mended them. Run frontrow audit, and tell whoever looks after the server.' },
    audit: { name: 'The audit found faults', text: 'frontrow audit says which rows do not fit each other. It ends with the next audit that finds nothing.' },
    log_lost: { name: 'Lines of the log are lost', text: 'The log could not be written: its disk is full, or whoever reads it stands still.' },
    outbox_drops: { name: 'Many connections are too slow', text: 'Fans are hung up on because they do not take their answers. Look at the network of the server.' },
    disk_low: { name: 'The disk is nearly full', text: 'Make room on the disk of the data folder, before nothing can be sold any more.' },
    refunds_stuck: { name: 'Refunds stand still', text: 'Orders of a performance that was called off are not given back. Look which ones, and why, in the list of refunds.' },
    clock_stepped: { name: 'The clock was set', text: 'The machine’s clock jumped. Fans lose nothing by it; openings go by the new time.' },
  },
  facts: {
    waiting: 'Waiting',
    progress: 'Admitted',
    capacity: 'Admitted at once, at most',
    available: 'Free seats',
    answers: 'Answers',
    p50_ms: 'Half within, ms',
    p99_ms: '99 of 100 within, ms',
    count: 'How many',
    minutes: 'Minutes',
    sales: 'Sales',
    per_minute: 'A minute',
    connections: 'Connections',
    reasons: 'Reasons',
    free_bytes: 'Free',
    total_bytes: 'Size',
    orders_stuck: 'Orders',
    seats_left: 'Seats left',
    step_ms: 'Set by, ms',
    faults: 'Faults',
  },
};

export const webhooks = {
  title: 'Webhooks',
  text: 'Alarms are sent to these addresses, signed (Standard Webhooks), again and again for a day until they arrive.',
  none: 'Nothing is sent anywhere yet.',
  url: 'Address',
  add: 'Add a webhook',
  addButton: 'Add',
  secret: 'Its secret',
  secretText: 'Enter it where the messages arrive. It is shown only now.',
  copy: 'Copy the secret',
  copied: 'Copied',
  test: 'Send a test',
  rotate: 'New secret',
  rotateText: 'It gets another secret. The one of now signs as well for a day, so that you can exchange it.',
  stop: 'Stop',
  stopText: 'Nothing is sent there any more. What waits is given up.',
  stopped: 'Stopped',
  /** @param {string} at */
  oldUntil: (at) => `The secret of before signs as well until ${at}.`,
  sent: 'What was sent',
  nothingSent: 'Nothing was sent yet.',
  resend: 'Send again',
  /** @param {string} what @param {string} url */
  of: (what, url) => `${what}: ${url}`,
  /** @param {number} tries */
  tries: (tries) => (tries === 1 ? '1 try' : `${tries} tries`),
  /** @param {string} at */
  arrived: (at) => `Arrived ${at}`,
  /** @param {string} at */
  next: (at) => `Next try ${at}`,
  givenUp: 'Given up',
  types: { 'alarm.raised': 'Alarm raised', 'alarm.ended': 'Alarm over', 'webhook.test': 'Test' },
};
