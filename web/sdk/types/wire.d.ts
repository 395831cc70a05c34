/**
 * The shapes that travel between a Frontrow server and this client, as JSDoc types.
 *
 * Always: names and units are the server's own (snake_case; times are RFC 3339 strings in UTC, money is an integer in
 * the currency's minor unit). A server may add fields at any time; none of this code refuses one that it does not know.
 */
export type SeatStateValue = 0 | 1 | 2 | 3;
/**
 * The state of one seat.
 * @typedef {0 | 1 | 2 | 3} SeatStateValue
 */
/** What a seat's two bits in a snapshot mean. */
export declare const SeatState: Readonly<{
    /** Free to be held. */
    AVAILABLE: 0;
    /** Held by somebody for a while. */
    TEMP_RESERVED: 1;
    /** Sold. */
    RESERVED: 2;
    /** Not for sale: the house keeps it. */
    RESTRICTED: 3;
}>;
export type About = {
    /**
     * The picture, by the name that it got when it was uploaded.
     */
    image_id?: string;
    /**
     * The same texts for those who read another language, by its code,
     * such as `en`.
     */
    languages?: Record<string, AboutTexts>;
    /**
     * The place on a map; https alone.
     */
    map_url?: string;
    /**
     * Whoever pays says before that they agree to the terms. Asked by the page; a client
     * of one's own asks it too.
     */
    must_agree?: boolean;
    /**
     * In the language of the house.
     */
    texts?: AboutTexts;
};
export type AboutTexts = {
    /**
     * Where the venue is.
     */
    address?: string;
    /**
     * From what age on one is let in.
     */
    age?: string;
    /**
     * What is played, and by whom.
     */
    description?: string;
    /**
     * The picture in words, for those who do not see it.
     */
    image_alt?: string;
    /**
     * Who sells, and how they are reached.
     */
    seller?: string;
    /**
     * What a buyer agrees to.
     */
    terms?: string;
};
export type Alarm = {
    /**
     * Null while the database has not taken it: it may be the database that is wrong.
     */
    alarm_id: number | null;
    /**
     * The sale that it is about, if it is about one.
     */
    concert_id?: number;
    /**
     * Null: it goes on.
     */
    ended_at: Timestamp | null;
    /**
     * The figures that raised it, by name. Which there are depends on the kind.
     */
    facts: Record<string, unknown>;
    /**
     * `no_movement`, `answers_late`, `commits_slow`, `lane_out`, `refusals_rising`, `differences`,
     * `audit`, `log_lost`, `outbox_drops`, `disk_low`, `refunds_stuck`, `clock_stepped`. There may be more.
     */
    kind: string;
    raised_at: Timestamp;
    /**
     * The operator who said first that they saw it.
     */
    seen_by?: SeenBy;
    /**
     * What it is about: `sale 7`, `schedule 9`, `server NAME:PORT`, `lane 0 of NAME:PORT`, or
     * `database`.
     */
    subject: string;
};
export type LayoutArea = {
    border_color?: string;
    circle?: Circle;
    /**
     * The filling, as CSS has it.
     */
    color?: string;
    ellipse?: Ellipse;
    polygon?: Polygon;
    /**
     * The upper left corner of a rectangle, the centre of a circle or an ellipse, the origin of
     * a polygon.
     */
    position: Point;
    rectangle?: Size;
    /**
     * Degrees, clockwise, around `position`.
     */
    rotation: number;
    shape: AreaShape;
    text?: AreaText;
};
export type AreaShape = 'rectangle' | 'circle' | 'ellipse' | 'polygon' | 'text';
export type AreaText = {
    color?: string;
    /**
     * The middle of the text, relative to the area's position.
     */
    position: Point;
    /**
     * The height of the letters.
     */
    size?: number;
    text: string;
};
export type Balance = {
    /**
     * Minor units of the currency.
     */
    balance: number;
    /**
     * ISO 4217, of every wallet; null before the first concert.
     */
    currency: string | null;
};
export type Cancelled = {
    /**
     * The wallet after the refund, in minor units of the currency.
     */
    balance: number;
    reservation: Reservation;
};
export type ChangedBy = {
    operator_id?: number;
    user_id?: number;
};
export type Charged = {
    /**
     * Minor units of the currency. The same charge sent again gives what it gave first.
     */
    balance: number;
    /**
     * ISO 4217, of every wallet; null before the first concert.
     */
    currency: string | null;
    history_id: string;
};
export type Circle = {
    radius: number;
};
export type Concert = {
    concert_id: number;
    /**
     * ISO 4217: in which its prices are.
     */
    currency?: string;
    sale: Sale;
    /**
     * Those that have not started yet.
     */
    schedules: ConcertSchedule[];
    /**
     * The number of seats that one reservation may have.
     */
    seats_per_reservation_max: number;
    /**
     * The number of seats of the sale that one user may have, held and bought
     * together, in all performances; 0: any number.
     */
    seats_per_user_max: number;
    /**
     * The venue's IANA time zone, in which its performances are to be shown; null while
     * unknown.
     */
    time_zone: string | null;
    title: string;
    venue: string;
};
export type ConcertPage = {
    about: About;
    /**
     * Until so long before the start an order may be cancelled.
     */
    cancel_before_start_ms: number;
    /**
     * As in the list.
     */
    concert: Concert;
    /**
     * The performances that have not begun.
     */
    schedules: PageSchedule[];
};
export type ConcertSchedule = {
    /**
     * Why it was moved or called off, as the operator wrote it.
     */
    reason?: string;
    schedule_id: number;
    sold_out: boolean;
    starts_at: Timestamp;
    state: ScheduleState;
};
export type Concerts = {
    concerts: Concert[];
};
export type Done = Record<string, never>;
export type Duration = string;
export type Ellipse = {
    radius: Point;
};
export type ExpiryReason = 'left' | 'away' | 'idle' | 'time' | 'closed';
export type ErrorData = {
    /**
     * When it was made so.
     */
    at?: Timestamp;
    /**
     * The balance of the wallet, in minor units of the currency.
     */
    balance?: number;
    /**
     * Who made it so, as far as it is known.
     */
    by?: ChangedBy;
    /**
     * The concert that is there already.
     */
    concert_id?: number;
    /**
     * The param that is wrong.
     */
    field?: string;
    /**
     * The number of seats that one reservation, or one user, may have.
     */
    max?: number;
    /**
     * The amount to charge before: `required` without `balance`.
     */
    missing?: number;
    /**
     * The roles of which an operator would need one.
     */
    needs?: Role[];
    /**
     * The time at which the sale opens.
     */
    opens_at?: Timestamp;
    reason: Reason;
    /**
     * The amount that it would need.
     */
    required?: number;
    /**
     * The time to wait before sending it again.
     */
    retry_after_ms?: number;
    /**
     * The time from which the user may hold the seats again.
     */
    retry_at?: Timestamp;
    /**
     * The same request may be sent again, later.
     */
    retryable: boolean;
    /**
     * The seats that are taken, not for sale, that do not exist, that have to wait, or that
     * were given back before.
     */
    seats?: number[];
    /**
     * The state that does not allow it.
     */
    status?: RefusedStatus;
    /**
     * What is there now of what was to be changed.
     */
    was?: Record<string, unknown>;
};
export type ErrorObject = {
    /**
     * Groups reasons, as JSON-RPC wants it.
     */
    code: number;
    /**
     * Boxed, because every `Result` that may be refused carries the room for it.
     */
    data: ErrorData;
    /**
     * A text for a person; may change.
     */
    message: string;
};
export type HelloAgain = {
    within_ms: number;
};
export type History = {
    /**
     * ISO 4217, of every wallet; null before the first concert.
     */
    currency: string | null;
    entries: HistoryEntry[];
};
export type HistoryEntry = {
    /**
     * Minor units of the currency; below zero when money went out.
     */
    amount_change: number;
    at: Timestamp;
    /**
     * The balance after it.
     */
    balance: number;
    history_id: string;
    /**
     * The payment that was made or refunded; absent for a charge.
     */
    payment_id?: string;
    /**
     * The purchase that the payment made; absent for a charge, and for one that is too old
     * to be among the listed tickets.
     */
    purchase?: Purchase;
    type: HistoryType;
};
export type HistoryType = 'CHARGE' | 'PAYMENT' | 'REFUND';
export type Layout = {
    /**
     * Stage, stairs, bars and the like, in the order in which they are drawn.
     */
    areas: LayoutArea[];
    categories: LayoutCategory[];
    /**
     * ISO 4217.
     */
    currency: string;
    rows: LayoutRow[];
    schedule_id: number;
    seats: SeatColumns;
    size: Size;
    /**
     * The stage's position, to find the seats nearest to it.
     */
    stage?: Point;
    starts_at: Timestamp;
    /**
     * The venue's IANA time zone; null while unknown.
     */
    time_zone: string | null;
    /**
     * The concert's title.
     */
    title: string;
    venue: string;
    zones: LayoutZone[];
};
export type LayoutCategory = {
    /**
     * The colour, in the notation of CSS.
     */
    color: string;
    name: string;
    /**
     * Minor units of the currency.
     */
    price: number;
};
export type LayoutRow = {
    label: string;
    /**
     * The row as the plan calls it, "Row 1" or "1열", where it does.
     */
    row_label?: string;
    /**
     * The plan's words for the row's seats, with `%s` for the number: "Seat %s" or "%s번".
     */
    seat_label?: string;
    /**
     * Index into `zones`.
     */
    zone: number;
};
export type LayoutZone = {
    name: string;
};
export type LiveFigures = {
    admissions_per_minute: number;
    at_desk: TakenAtDesk;
    available: number;
    /**
     * Fans admitted at once, at most.
     */
    capacity: number;
    /**
     * ISO 4217.
     */
    currency: string;
    held: number;
    joins_per_minute: number;
    /**
     * What was paid and not given back, in the currency's minor unit.
     */
    money: number;
    /**
     * The performance that begins next.
     */
    next_start: Timestamp | null;
    opens_at: Timestamp | null;
    /**
     * Fans admitted.
     */
    progress: number;
    /**
     * Kept by the house.
     */
    restricted: number;
    /**
     * Seats sold.
     */
    sales_per_minute: number;
    /**
     * Seats of all performances; the next four are how many of them are in which state.
     */
    seats: number;
    /**
     * The seconds until no seat is free at the pace of the last five minutes; null
     * while too little is sold to say so.
     */
    sells_out_in_s: number | null;
    sold: number;
    state: SaleState;
    /**
     * The venue's IANA time zone; null while unknown.
     */
    time_zone: string | null;
    venue: string;
    /**
     * Fans in line.
     */
    waiting: number;
};
export type Operator = {
    name?: string;
    /**
     * Absent of a token that names no operator.
     */
    operator_id?: number;
    roles: Role[];
};
export type OpsState = {
    /**
     * Those that go on, oldest first; of the one sale that is watched, those about it.
     */
    alarms: Alarm[];
    /**
     * When the figures were gathered; null before that happened once.
     */
    at: Timestamp | null;
    /**
     * The sale; null: every sale.
     */
    concert_id: number | null;
    /**
     * Of the one sale that is watched; absent until its figures were gathered.
     */
    detail?: SaleDetail;
    sales: SaleLine[];
    seq: number;
    server_time: Timestamp;
};
export type OpsUpdate = {
    /**
     * If they changed: all that go on.
     */
    alarms?: Alarm[];
    /**
     * When the figures were gathered.
     */
    at: Timestamp;
    /**
     * The sale; null: every sale.
     */
    concert_id: number | null;
    /**
     * Of the one sale that is watched, if something of it changed.
     */
    detail?: SaleDetail;
    /**
     * The `seq` that it leads on from.
     */
    from: number;
    /**
     * Sales that are not there any more.
     */
    gone: number[];
    /**
     * Lines that changed, whole.
     */
    sales: SaleLine[];
    seq: number;
};
export type PageCategory = {
    /**
     * Free seats.
     */
    left: number;
    name: string;
    /**
     * In the currency's minor unit.
     */
    price: number;
};
export type PageSchedule = {
    /**
     * The categories in the plan's order.
     */
    categories: PageCategory[];
    schedule_id: number;
    sold_out: boolean;
    starts_at: Timestamp;
};
export type Paid = {
    /**
     * The wallet after it, in minor units of the currency.
     */
    balance: number;
    payment: Payment;
    /**
     * One for each seat.
     */
    tickets: Ticket[];
};
export type Payment = {
    /**
     * Minor units of the currency.
     */
    amount: number;
    at: Timestamp;
    payment_id: string;
    reservation_id: string;
    status: PaymentStatus;
};
export type PaymentStatus = 'PROGRESS' | 'DONE' | 'CANCELLED';
export type Point = {
    x: number;
    y: number;
};
export type Polygon = {
    points: Point[];
};
export type Pong = {
    server_time: Timestamp;
};
export type Purchase = {
    concert_id: number;
    reservation_id: string;
    /**
     * The number of seats.
     */
    seats: number;
    starts_at: Timestamp;
    /**
     * The venue's IANA time zone; absent while unknown.
     */
    time_zone?: string;
    /**
     * The concert's title.
     */
    title: string;
};
export type Quantiles = {
    p50: number;
    p99: number;
};
export type QueueStatus = 'WAITING' | 'EXPIRED' | 'PROGRESS' | 'DONE';
export type QueueUpdate = {
    admitted_at: Timestamp | null;
    /**
     * The fans before this one; null unless `WAITING`.
     */
    ahead: number | null;
    concert_id: number;
    entered_at: Timestamp;
    /**
     * Seconds to admission at the rate seen lately; null while unknown, and while no
     * seat is free.
     */
    eta_seconds: number | null;
    /**
     * The time at which the admission ends; null unless `PROGRESS`.
     */
    expires_at: Timestamp | null;
    /**
     * The time at which it ends without activity; null unless `PROGRESS`.
     */
    idle_at: Timestamp | null;
    /**
     * 1 + the number of fans before this one; null unless `WAITING`.
     */
    position: number | null;
    /**
     * Why it ended; null unless `EXPIRED`.
     */
    reason: ExpiryReason | null;
    /**
     * No seat of the sale is free.
     */
    sold_out: boolean;
    status: QueueStatus;
    /**
     * The queue token. Whoever has it acts as its user in this sale.
     */
    token: string;
    /**
     * The length of the whole line.
     */
    waiting: number;
};
export type Reason = string;
export type RefusedStatus = 'WAITING' | 'PROGRESS' | 'DONE' | 'EXPIRED' | 'TEMP_RESERVED' | 'RESERVED' | 'CANCELLED';
export type Reservation = {
    /**
     * The sum of the seats' prices, in minor units of the currency.
     */
    amount: number;
    concert_id: number;
    /**
     * The time at which the unpaid seats are released; null unless `TEMP_RESERVED`.
     */
    expires_at: Timestamp | null;
    reservation_id: string;
    schedule_id: number;
    /**
     * The seats, in the order of their numbers. After the end, those that it still had
     * then.
     */
    seats: ReservedSeat[];
    status: ReservationStatus;
};
export type ReservationStatus = 'TEMP_RESERVED' | 'RESERVED' | 'EXPIRED' | 'CANCELLED';
export type Reservations = {
    reservations: Reservation[];
};
export type ReservedSeat = {
    category: string;
    /**
     * Zone, row and number, as printed on the ticket.
     */
    label: string;
    /**
     * Minor units of the currency.
     */
    price: number;
    seat: number;
};
export type Role = 'owner' | 'manager' | 'box_office' | 'viewer' | 'door';
export type Runs = 'here' | 'elsewhere' | 'loading';
export type Sale = {
    /**
     * The operator's message to the fans.
     */
    message: string | null;
    /**
     * The time at which admission begins, if that is planned.
     */
    opens_at: Timestamp | null;
    state: SaleState;
};
export type SaleDetail = {
    /**
     * From a request's arrival until what came of it was durable.
     */
    answers_ms: Quantiles | null;
    /**
     * In the order of their start.
     */
    by_schedule: ScheduleLine[];
    /**
     * What the store took to keep a batch.
     */
    commit_ms: Quantiles | null;
    /**
     * Connections of the whole server.
     */
    connections: number;
    /**
     * What ended by time in the last minute: `hold`, `idle`, `time`,
     * `away`.
     */
    expiries_per_minute: Record<string, number>;
    /**
     * The operator's message to the fans.
     */
    message: string | null;
    /**
     * Refusals of the last minute, by their reason.
     */
    refusals_per_minute: Record<string, number>;
    /**
     * The rules in force.
     */
    settings: SaleSettings;
    /**
     * Those of them that the operator set; the rest are the run's defaults.
     */
    settings_own: SaleSettingsOwn;
    /**
     * Connections that watch the sale's seats.
     */
    watchers: number;
};
export type SaleLine = {
    /**
     * Is it run here, and did it answer in time when it was asked last? If it is and did not,
     * nothing is decided in it.
     */
    answers: boolean;
    concert_id: number;
    /**
     * Absent of a sale that this server never ran.
     */
    figures?: LiveFigures;
    /**
     * When the figures were taken, of a sale that was run here once; null: they are
     * as new as everything else.
     */
    figures_at: Timestamp | null;
    runs: Runs;
    /**
     * Null of a sale that this server never ran.
     */
    title: string | null;
};
export type SaleSettings = {
    /**
     * The length of an admission.
     */
    admission_ttl: Duration;
    /**
     * The time that a waiting fan may be without a connection.
     */
    away_ttl: Duration;
    /**
     * The time before the start until which a paid reservation may be cancelled.
     */
    cancel_before_start: Duration;
    /**
     * Fans admitted at once.
     */
    capacity: number;
    /**
     * The time in which a seat whose hold ran out unpaid is not held again by the
     * same user; longer when it happens again.
     */
    hold_again_after: Duration;
    /**
     * The time that unpaid seats are held.
     */
    hold_ttl: Duration;
    /**
     * The time that an admitted fan may do nothing.
     */
    idle_ttl: Duration;
    /**
     * Seats that one reservation may have.
     */
    seats_per_reservation_max: number;
    /**
     * Seats of the sale that one user may have, held and bought together; 0: any
     * number.
     */
    seats_per_user_max: number;
};
export type SaleSettingsOwn = {
    admission_ttl?: Duration;
    away_ttl?: Duration;
    cancel_before_start?: Duration;
    capacity?: number;
    hold_again_after?: Duration;
    hold_ttl?: Duration;
    idle_ttl?: Duration;
    seats_per_reservation_max?: number;
    seats_per_user_max?: number;
};
export type SaleState = 'OPEN' | 'SCHEDULED' | 'PAUSED' | 'CLOSED';
export type SaleUpdate = {
    concert_id: number;
    /**
     * The operator's message to the fans; absent when there is none.
     */
    message?: string;
    /**
     * The time at which admission begins, if that is planned.
     */
    opens_at: Timestamp | null;
    /**
     * Higher than in the answer of `schedules`: a start, a price or a text changed since, so
     * ask again.
     */
    revision: number;
    state: SaleState;
};
export type Schedule = {
    /**
     * The free ones.
     */
    available: number;
    /**
     * Category to free seats; a category without any is 0.
     */
    left: Record<string, number>;
    /**
     * Category to price, in minor units of the currency.
     */
    prices: Record<string, number>;
    /**
     * Why it was moved to another start, as the operator wrote it.
     */
    reason?: string;
    /**
     * Those that the house keeps from sale.
     */
    restricted: number;
    schedule_id: number;
    /**
     * All seats, in whatever state.
     */
    seats: number;
    /**
     * The number of seats that one reservation may have.
     */
    seats_per_reservation_max: number;
    /**
     * The number of seats of the sale that one user may have, held and bought
     * together, in all performances; 0: any number.
     */
    seats_per_user_max: number;
    sold_out: boolean;
    starts_at: Timestamp;
    /**
     * The venue's IANA time zone; null while unknown.
     */
    time_zone: string | null;
};
export type ScheduleLine = {
    available: number;
    held: number;
    /**
     * Free seats by category.
     */
    left: Record<string, number>;
    restricted: number;
    schedule_id: number;
    sold: number;
    starts_at: Timestamp;
    state: ScheduleState;
};
export type ScheduleState = 'PLANNED' | 'CALLED_OFF';
export type Schedules = {
    /**
     * Rises with what is said of them: a `sale.update` with a higher one says that this is not
     * so any more.
     */
    revision: number;
    schedules: Schedule[];
};
export type SeatChange = [number, 0 | 1 | 2 | 3];
export type SeatColumns = {
    /**
     * Index into `categories`.
     */
    category: number[];
    /**
     * Zone, row and number, each label once in the schedule.
     */
    label: string[];
    /**
     * The number on the seat.
     */
    number: string[];
    /**
     * Absent when no seat has a radius of its own; 0 for one that has none.
     */
    radius?: number[];
    /**
     * Index into `rows`.
     */
    row: number[];
    x: number[];
    y: number[];
};
export type SeatsDelta = {
    /**
     * The free seats at `version`.
     */
    available: number;
    changes: SeatChange[];
    /**
     * The version that the changes lead on from.
     */
    from: number;
    schedule_id: number;
    /**
     * The version that they lead to.
     */
    version: number;
};
export type SeenBy = {
    name?: string;
    /**
     * Absent of a token that names no operator.
     */
    operator_id?: number;
};
export type Size = {
    height: number;
    width: number;
};
export type SeatsSnapshot = {
    /**
     * The free ones.
     */
    available: number;
    /**
     * All seats.
     */
    count: number;
    schedule_id: number;
    /**
     * Two bits a seat, seat 0 in the low bits of byte 0, base64 with padding: 0 AVAILABLE, 1
     * TEMP_RESERVED, 2 RESERVED, 3 RESTRICTED (not for sale).
     */
    seats: string;
    /**
     * Grows with every change.
     */
    version: number;
};
export type TakenAtDesk = {
    card: number;
    cash: number;
};
export type Ticket = {
    /**
     * The performance is not played: absent unless that is so. What was paid comes back.
     */
    called_off?: boolean;
    /**
     * The time until which `cancel` is allowed; present in `tickets`.
     */
    cancel_until?: Timestamp;
    /**
     * The time at which its order was cancelled; from then on its code opens no door.
     */
    cancelled_at?: Timestamp;
    category: string;
    /**
     * The code that is scanned at the door.
     */
    code: string;
    concert_id: number;
    /**
     * Zone, row and number.
     */
    label: string;
    /**
     * The label of the seat in whose place an operator gave this one; the code of the
     * ticket for that one opens no door.
     */
    moved_from?: string;
    /**
     * Minor units of the currency.
     */
    price: number;
    /**
     * Why the performance was moved or called off, or an operator gave the money back, as they
     * wrote it.
     */
    reason?: string;
    /**
     * The reservation to `cancel`.
     */
    reservation_id: string;
    schedule_id: number;
    seat: number;
    starts_at?: Timestamp;
    ticket_id: string;
    /**
     * The venue's IANA time zone, in which `starts_at` is to be shown; absent while unknown,
     * and in `pay`.
     */
    time_zone?: string;
    /**
     * The concert's title. With `venue` and `starts_at` always present in `tickets`, not in
     * `pay`, whose caller knows them.
     */
    title?: string;
    venue?: string;
};
export type Tickets = {
    /**
     * Those of cancelled orders, the one cancelled last first.
     */
    cancelled: Ticket[];
    tickets: Ticket[];
};
export type Timestamp = string;
export type Hello = {
    /**
     * The operator, if it is one.
     */
    operator?: Operator;
    /**
     * The place in line of the resumed queue token, also when it is `DONE` or `EXPIRED`.
     */
    queue?: QueueUpdate;
    /**
     * The open reservations of the resumed queue token.
     */
    reservations?: Reservation[];
    /**
     * The server's name and version.
     */
    server: string;
    server_time: Timestamp;
    /**
     * Absent of an operator whose token names no user.
     */
    user_id?: number;
};
/**
 * What the page of a concert says. Texts are plain, with line breaks; an absent one is not shown.
 * @typedef {object} About
 * @property {string} [image_id] The picture, by the name that it got when it was uploaded.
 * @property {Record<string, AboutTexts>} [languages] The same texts for those who read another language, by its code,
 *   such as `en`.
 * @property {string} [map_url] The place on a map; https alone.
 * @property {boolean} [must_agree] Whoever pays says before that they agree to the terms. Asked by the page; a client
 *   of one's own asks it too.
 * @property {AboutTexts} [texts] In the language of the house.
 */
/**
 * The texts in one language.
 * @typedef {object} AboutTexts
 * @property {string} [address] Where the venue is.
 * @property {string} [age] From what age on one is let in.
 * @property {string} [description] What is played, and by whom.
 * @property {string} [image_alt] The picture in words, for those who do not see it.
 * @property {string} [seller] Who sells, and how they are reached.
 * @property {string} [terms] What a buyer agrees to.
 */
/**
 * Something that is or was wrong. There are never two open ones of the same `kind` and `subject`.
 * @typedef {object} Alarm
 * @property {number | null} alarm_id Null while the database has not taken it: it may be the database that is wrong.
 * @property {number} [concert_id] The sale that it is about, if it is about one.
 * @property {Timestamp | null} ended_at Null: it goes on.
 * @property {Record<string, unknown>} facts The figures that raised it, by name. Which there are depends on the kind.
 * @property {string} kind `no_movement`, `answers_late`, `commits_slow`, `lane_out`, `refusals_rising`, `differences`,
 *   `audit`, `log_lost`, `outbox_drops`, `disk_low`, `refunds_stuck`, `clock_stepped`. There may be more.
 * @property {Timestamp} raised_at
 * @property {SeenBy} [seen_by] The operator who said first that they saw it.
 * @property {string} subject What it is about: `sale 7`, `schedule 9`, `server NAME:PORT`, `lane 0 of NAME:PORT`, or
 *   `database`.
 */
/**
 * Something drawn that is no seat. The member named like the shape has its sizes; one without sizes is drawn as its
 * text alone.
 * @typedef {object} LayoutArea
 * @property {string} [border_color]
 * @property {Circle} [circle]
 * @property {string} [color] The filling, as CSS has it.
 * @property {Ellipse} [ellipse]
 * @property {Polygon} [polygon]
 * @property {Point} position The upper left corner of a rectangle, the centre of a circle or an ellipse, the origin of
 *   a polygon.
 * @property {Size} [rectangle]
 * @property {number} rotation Degrees, clockwise, around `position`.
 * @property {AreaShape} shape
 * @property {AreaText} [text]
 */
/**
 * The form of an area.
 * @typedef {'rectangle' | 'circle' | 'ellipse' | 'polygon' | 'text'} AreaShape
 */
/**
 * A caption.
 * @typedef {object} AreaText
 * @property {string} [color]
 * @property {Point} position The middle of the text, relative to the area's position.
 * @property {number} [size] The height of the letters.
 * @property {string} text
 */
/**
 * The wallet.
 * @typedef {object} Balance
 * @property {number} balance Minor units of the currency.
 * @property {string | null} currency ISO 4217, of every wallet; null before the first concert.
 */
/**
 * A paid reservation given back.
 * @typedef {object} Cancelled
 * @property {number} balance The wallet after the refund, in minor units of the currency.
 * @property {Reservation} reservation
 */
/**
 * An operator who changed something: one of this server's, or a user whom an operator's token names.
 * @typedef {object} ChangedBy
 * @property {number} [operator_id]
 * @property {number} [user_id]
 */
/**
 * The wallet after a charge.
 * @typedef {object} Charged
 * @property {number} balance Minor units of the currency. The same charge sent again gives what it gave first.
 * @property {string | null} currency ISO 4217, of every wallet; null before the first concert.
 * @property {string} history_id
 */
/**
 * A circle's size.
 * @typedef {object} Circle
 * @property {number} radius
 */
/**
 * A concert and its sale.
 * @typedef {object} Concert
 * @property {number} concert_id
 * @property {string} [currency] ISO 4217: in which its prices are.
 * @property {Sale} sale
 * @property {ConcertSchedule[]} schedules Those that have not started yet.
 * @property {number} seats_per_reservation_max The number of seats that one reservation may have.
 * @property {number} seats_per_user_max The number of seats of the sale that one user may have, held and bought
 *   together, in all performances; 0: any number.
 * @property {string | null} time_zone The venue's IANA time zone, in which its performances are to be shown; null while
 *   unknown.
 * @property {string} title
 * @property {string} venue
 */
/**
 * A concert's own page: what anybody may know before they stand in line. At most two seconds old.
 * @typedef {object} ConcertPage
 * @property {About} about
 * @property {number} cancel_before_start_ms Until so long before the start an order may be cancelled.
 * @property {Concert} concert As in the list.
 * @property {PageSchedule[]} schedules The performances that have not begun.
 */
/**
 * One performance, as anybody may see it.
 * @typedef {object} ConcertSchedule
 * @property {string} [reason] Why it was moved or called off, as the operator wrote it.
 * @property {number} schedule_id
 * @property {boolean} sold_out
 * @property {Timestamp} starts_at
 * @property {ScheduleState} state
 */
/**
 * The concerts that are on sale.
 * @typedef {object} Concerts
 * @property {Concert[]} concerts
 */
/**
 * A result that says nothing but "done".
 * @typedef {Record<string, never>} Done
 */
/**
 * A length of time, at most 366 days: whole numbers with the units d, h, m, s, ms, larger ones first.
 * @typedef {string} Duration
 */
/**
 * An ellipse's size.
 * @typedef {object} Ellipse
 * @property {Point} radius
 */
/**
 * Why a queue token is `EXPIRED`.
 * - `left`: The fan left.
 * - `away`: The waiting fan had no connection for too long.
 * - `idle`: The admitted fan did nothing for too long.
 * - `time`: The admission's time was over.
 * - `closed`: The sale was closed.
 * @typedef {'left' | 'away' | 'idle' | 'time' | 'closed'} ExpiryReason
 */
/**
 * The facts of a refusal for a program. Each further field is there where its reason has one.
 * @typedef {object} ErrorData
 * @property {Timestamp} [at] When it was made so.
 * @property {number} [balance] The balance of the wallet, in minor units of the currency.
 * @property {ChangedBy} [by] Who made it so, as far as it is known.
 * @property {number} [concert_id] The concert that is there already.
 * @property {string} [field] The param that is wrong.
 * @property {number} [max] The number of seats that one reservation, or one user, may have.
 * @property {number} [missing] The amount to charge before: `required` without `balance`.
 * @property {Role[]} [needs] The roles of which an operator would need one.
 * @property {Timestamp} [opens_at] The time at which the sale opens.
 * @property {Reason} reason
 * @property {number} [required] The amount that it would need.
 * @property {number} [retry_after_ms] The time to wait before sending it again.
 * @property {Timestamp} [retry_at] The time from which the user may hold the seats again.
 * @property {boolean} retryable The same request may be sent again, later.
 * @property {number[]} [seats] The seats that are taken, not for sale, that do not exist, that have to wait, or that
 *   were given back before.
 * @property {RefusedStatus} [status] The state that does not allow it.
 * @property {Record<string, unknown>} [was] What is there now of what was to be changed.
 */
/**
 * A refusal: the `error` of an answer.
 * @typedef {object} ErrorObject
 * @property {number} code Groups reasons, as JSON-RPC wants it.
 * @property {ErrorData} data Boxed, because every `Result` that may be refused carries the room for it.
 * @property {string} message A text for a person; may change.
 */
/**
 * The session is closed with 4500 unless a `hello` comes on the same socket in this time; until then it goes on.
 * @typedef {object} HelloAgain
 * @property {number} within_ms
 */
/**
 * A page of the wallet's ledger, newest entry first.
 * @typedef {object} History
 * @property {string | null} currency ISO 4217, of every wallet; null before the first concert.
 * @property {HistoryEntry[]} entries
 */
/**
 * One change of the wallet.
 * @typedef {object} HistoryEntry
 * @property {number} amount_change Minor units of the currency; below zero when money went out.
 * @property {Timestamp} at
 * @property {number} balance The balance after it.
 * @property {string} history_id
 * @property {string} [payment_id] The payment that was made or refunded; absent for a charge.
 * @property {Purchase} [purchase] The purchase that the payment made; absent for a charge, and for one that is too old
 *   to be among the listed tickets.
 * @property {HistoryType} type
 */
/**
 * Why the wallet changed.
 * @typedef {'CHARGE' | 'PAYMENT' | 'REFUND'} HistoryType
 */
/**
 * The drawing of one performance, with labels, categories and prices. Never changes, but for a new `ETag`.
 * @typedef {object} Layout
 * @property {LayoutArea[]} areas Stage, stairs, bars and the like, in the order in which they are drawn.
 * @property {LayoutCategory[]} categories
 * @property {string} currency ISO 4217.
 * @property {LayoutRow[]} rows
 * @property {number} schedule_id
 * @property {SeatColumns} seats
 * @property {Size} size
 * @property {Point} [stage] The stage's position, to find the seats nearest to it.
 * @property {Timestamp} starts_at
 * @property {string | null} time_zone The venue's IANA time zone; null while unknown.
 * @property {string} title The concert's title.
 * @property {string} venue
 * @property {LayoutZone[]} zones
 */
/**
 * A category that has seats.
 * @typedef {object} LayoutCategory
 * @property {string} color The colour, in the notation of CSS.
 * @property {string} name
 * @property {number} price Minor units of the currency.
 */
/**
 * A row of a zone.
 * @typedef {object} LayoutRow
 * @property {string} label
 * @property {string} [row_label] The row as the plan calls it, "Row 1" or "1열", where it does.
 * @property {string} [seat_label] The plan's words for the row's seats, with `%s` for the number: "Seat %s" or "%s번".
 * @property {number} zone Index into `zones`.
 */
/**
 * A part of the house.
 * @typedef {object} LayoutZone
 * @property {string} name
 */
/**
 * The figures of a sale, as they are now.
 * @typedef {object} LiveFigures
 * @property {number} admissions_per_minute
 * @property {TakenAtDesk} at_desk
 * @property {number} available
 * @property {number} capacity Fans admitted at once, at most.
 * @property {string} currency ISO 4217.
 * @property {number} held
 * @property {number} joins_per_minute
 * @property {number} money What was paid and not given back, in the currency's minor unit.
 * @property {Timestamp | null} next_start The performance that begins next.
 * @property {Timestamp | null} opens_at
 * @property {number} progress Fans admitted.
 * @property {number} restricted Kept by the house.
 * @property {number} sales_per_minute Seats sold.
 * @property {number} seats Seats of all performances; the next four are how many of them are in which state.
 * @property {number | null} sells_out_in_s The seconds until no seat is free at the pace of the last five minutes; null
 *   while too little is sold to say so.
 * @property {number} sold
 * @property {SaleState} state
 * @property {string | null} time_zone The venue's IANA time zone; null while unknown.
 * @property {string} venue
 * @property {number} waiting Fans in line.
 */
/**
 * Who asks.
 * @typedef {object} Operator
 * @property {string} [name]
 * @property {number} [operator_id] Absent of a token that names no operator.
 * @property {Role[]} roles
 */
/**
 * What is watched, as it stands; `ops.update` leads on from it.
 * @typedef {object} OpsState
 * @property {Alarm[]} alarms Those that go on, oldest first; of the one sale that is watched, those about it.
 * @property {Timestamp | null} at When the figures were gathered; null before that happened once.
 * @property {number | null} concert_id The sale; null: every sale.
 * @property {SaleDetail} [detail] Of the one sale that is watched; absent until its figures were gathered.
 * @property {SaleLine[]} sales
 * @property {number} seq
 * @property {Timestamp} server_time
 */
/**
 * What changed of what is watched. It comes each second in which something did, and every few seconds in any case.
 * @typedef {object} OpsUpdate
 * @property {Alarm[]} [alarms] If they changed: all that go on.
 * @property {Timestamp} at When the figures were gathered.
 * @property {number | null} concert_id The sale; null: every sale.
 * @property {SaleDetail} [detail] Of the one sale that is watched, if something of it changed.
 * @property {number} from The `seq` that it leads on from.
 * @property {number[]} gone Sales that are not there any more.
 * @property {SaleLine[]} sales Lines that changed, whole.
 * @property {number} seq
 */
/**
 * A category of a performance.
 * @typedef {object} PageCategory
 * @property {number} left Free seats.
 * @property {string} name
 * @property {number} price In the currency's minor unit.
 */
/**
 * A performance, with its prices.
 * @typedef {object} PageSchedule
 * @property {PageCategory[]} categories The categories in the plan's order.
 * @property {number} schedule_id
 * @property {boolean} sold_out
 * @property {Timestamp} starts_at
 */
/**
 * A paid reservation.
 * @typedef {object} Paid
 * @property {number} balance The wallet after it, in minor units of the currency.
 * @property {Payment} payment
 * @property {Ticket[]} tickets One for each seat.
 */
/**
 * The paying of one reservation.
 * @typedef {object} Payment
 * @property {number} amount Minor units of the currency.
 * @property {Timestamp} at
 * @property {string} payment_id
 * @property {string} reservation_id
 * @property {PaymentStatus} status
 */
/**
 * The status of a payment.
 * - `CANCELLED`: Refunded.
 * @typedef {'PROGRESS' | 'DONE' | 'CANCELLED'} PaymentStatus
 */
/**
 * A place in the drawing, or a pair of radii.
 * @typedef {object} Point
 * @property {number} x
 * @property {number} y
 */
/**
 * A polygon's corners, relative to the area's position.
 * @typedef {object} Polygon
 * @property {Point[]} points
 */
/**
 * The server is there.
 * @typedef {object} Pong
 * @property {Timestamp} server_time
 */
/**
 * The purchase that a payment made.
 * @typedef {object} Purchase
 * @property {number} concert_id
 * @property {string} reservation_id
 * @property {number} seats The number of seats.
 * @property {Timestamp} starts_at
 * @property {string} [time_zone] The venue's IANA time zone; absent while unknown.
 * @property {string} title The concert's title.
 */
/**
 * Of the last minute: half took no longer than `p50`, all but one of a hundred no longer than `p99`.
 * @typedef {object} Quantiles
 * @property {number} p50
 * @property {number} p99
 */
/**
 * The status of a queue token.
 * - `PROGRESS`: Admitted.
 * - `DONE`: Bought.
 * @typedef {'WAITING' | 'EXPIRED' | 'PROGRESS' | 'DONE'} QueueStatus
 */
/**
 * A place in line.
 * @typedef {object} QueueUpdate
 * @property {Timestamp | null} admitted_at
 * @property {number | null} ahead The fans before this one; null unless `WAITING`.
 * @property {number} concert_id
 * @property {Timestamp} entered_at
 * @property {number | null} eta_seconds Seconds to admission at the rate seen lately; null while unknown, and while no
 *   seat is free.
 * @property {Timestamp | null} expires_at The time at which the admission ends; null unless `PROGRESS`.
 * @property {Timestamp | null} idle_at The time at which it ends without activity; null unless `PROGRESS`.
 * @property {number | null} position 1 + the number of fans before this one; null unless `WAITING`.
 * @property {ExpiryReason | null} reason Why it ended; null unless `EXPIRED`.
 * @property {boolean} sold_out No seat of the sale is free.
 * @property {QueueStatus} status
 * @property {string} token The queue token. Whoever has it acts as its user in this sale.
 * @property {number} waiting The length of the whole line.
 */
/**
 * Why. `x-advice` says what a client does about each. New reasons may be added; none changes its meaning. Of an unknown
 * one, `retryable` and the message say enough.
 * @typedef {string} Reason
 */
/**
 * The state that a refusal is about: of the queue token, or of the reservation.
 * @typedef {'WAITING' | 'PROGRESS' | 'DONE' | 'EXPIRED' | 'TEMP_RESERVED' | 'RESERVED' | 'CANCELLED'} RefusedStatus
 */
/**
 * Seats of one performance, held together or sold together.
 * @typedef {object} Reservation
 * @property {number} amount The sum of the seats' prices, in minor units of the currency.
 * @property {number} concert_id
 * @property {Timestamp | null} expires_at The time at which the unpaid seats are released; null unless `TEMP_RESERVED`.
 * @property {string} reservation_id
 * @property {number} schedule_id
 * @property {ReservedSeat[]} seats The seats, in the order of their numbers. After the end, those that it still had
 *   then.
 * @property {ReservationStatus} status
 */
/**
 * The status of a reservation.
 * - `TEMP_RESERVED`: Held, to be paid in time.
 * - `RESERVED`: Paid.
 * - `EXPIRED`: Not paid in time.
 * - `CANCELLED`: Given back, before or after paying.
 * @typedef {'TEMP_RESERVED' | 'RESERVED' | 'EXPIRED' | 'CANCELLED'} ReservationStatus
 */
/**
 * The user's reservations, newest first.
 * @typedef {object} Reservations
 * @property {Reservation[]} reservations
 */
/**
 * One seat of a reservation.
 * @typedef {object} ReservedSeat
 * @property {string} category
 * @property {string} label Zone, row and number, as printed on the ticket.
 * @property {number} price Minor units of the currency.
 * @property {number} seat
 */
/**
 * What an operator is there for.
 * - `owner`: Everything, operators included.
 * - `manager`: Sales, plans, money back.
 * - `box_office`: Orders and tickets.
 * - `viewer`: Looks on.
 * - `door`: Lets people in at the door.
 * @typedef {'owner' | 'manager' | 'box_office' | 'viewer' | 'door'} Role
 */
/**
 * Where a sale is run.
 * - `here`: By the server that says so.
 * - `elsewhere`: By another server of the same database.
 * - `loading`: By nobody at this moment: it is being loaded.
 * @typedef {'here' | 'elsewhere' | 'loading'} Runs
 */
/**
 * The state of a sale.
 * @typedef {object} Sale
 * @property {string | null} message The operator's message to the fans.
 * @property {Timestamp | null} opens_at The time at which admission begins, if that is planned.
 * @property {SaleState} state
 */
/**
 * More of one sale.
 * @typedef {object} SaleDetail
 * @property {Quantiles | null} answers_ms From a request's arrival until what came of it was durable.
 * @property {ScheduleLine[]} by_schedule In the order of their start.
 * @property {Quantiles | null} commit_ms What the store took to keep a batch.
 * @property {number} connections Connections of the whole server.
 * @property {Record<string, number>} expiries_per_minute What ended by time in the last minute: `hold`, `idle`, `time`,
 *   `away`.
 * @property {string | null} message The operator's message to the fans.
 * @property {Record<string, number>} refusals_per_minute Refusals of the last minute, by their reason.
 * @property {SaleSettings} settings The rules in force.
 * @property {SaleSettingsOwn} settings_own Those of them that the operator set; the rest are the run's defaults.
 * @property {number} watchers Connections that watch the sale's seats.
 */
/**
 * A sale in a line.
 * @typedef {object} SaleLine
 * @property {boolean} answers Is it run here, and did it answer in time when it was asked last? If it is and did not,
 *   nothing is decided in it.
 * @property {number} concert_id
 * @property {LiveFigures} [figures] Absent of a sale that this server never ran.
 * @property {Timestamp | null} figures_at When the figures were taken, of a sale that was run here once; null: they are
 *   as new as everything else.
 * @property {Runs} runs
 * @property {string | null} title Null of a sale that this server never ran.
 */
/**
 * The rules of a sale that are in force.
 * @typedef {object} SaleSettings
 * @property {Duration} admission_ttl The length of an admission.
 * @property {Duration} away_ttl The time that a waiting fan may be without a connection.
 * @property {Duration} cancel_before_start The time before the start until which a paid reservation may be cancelled.
 * @property {number} capacity Fans admitted at once.
 * @property {Duration} hold_again_after The time in which a seat whose hold ran out unpaid is not held again by the
 *   same user; longer when it happens again.
 * @property {Duration} hold_ttl The time that unpaid seats are held.
 * @property {Duration} idle_ttl The time that an admitted fan may do nothing.
 * @property {number} seats_per_reservation_max Seats that one reservation may have.
 * @property {number} seats_per_user_max Seats of the sale that one user may have, held and bought together; 0: any
 *   number.
 */
/**
 * The rules of a sale that its operator set.
 * @typedef {object} SaleSettingsOwn
 * @property {Duration} [admission_ttl]
 * @property {Duration} [away_ttl]
 * @property {Duration} [cancel_before_start]
 * @property {number} [capacity]
 * @property {Duration} [hold_again_after]
 * @property {Duration} [hold_ttl]
 * @property {Duration} [idle_ttl]
 * @property {number} [seats_per_reservation_max]
 * @property {number} [seats_per_user_max]
 */
/**
 * The state of a sale.
 * - `SCHEDULED`: Not open yet: one may join, nobody is admitted.
 * - `PAUSED`: No joins, admissions or new holds; paying goes on.
 * - `CLOSED`: Paused, and the line is dissolved.
 * @typedef {'OPEN' | 'SCHEDULED' | 'PAUSED' | 'CLOSED'} SaleState
 */
/**
 * A sale changed its state, its opening, its message, or what is said of its concert and performances. It goes to
 * everybody who waits, is admitted, or watches; that a performance was moved or called off, to everybody who is
 * connected, as whoever bought is in no line any more.
 * @typedef {object} SaleUpdate
 * @property {number} concert_id
 * @property {string} [message] The operator's message to the fans; absent when there is none.
 * @property {Timestamp | null} opens_at The time at which admission begins, if that is planned.
 * @property {number} revision Higher than in the answer of `schedules`: a start, a price or a text changed since, so
 *   ask again.
 * @property {SaleState} state
 */
/**
 * One performance, as an admitted fan sees it.
 * @typedef {object} Schedule
 * @property {number} available The free ones.
 * @property {Record<string, number>} left Category to free seats; a category without any is 0.
 * @property {Record<string, number>} prices Category to price, in minor units of the currency.
 * @property {string} [reason] Why it was moved to another start, as the operator wrote it.
 * @property {number} restricted Those that the house keeps from sale.
 * @property {number} schedule_id
 * @property {number} seats All seats, in whatever state.
 * @property {number} seats_per_reservation_max The number of seats that one reservation may have.
 * @property {number} seats_per_user_max The number of seats of the sale that one user may have, held and bought
 *   together, in all performances; 0: any number.
 * @property {boolean} sold_out
 * @property {Timestamp} starts_at
 * @property {string | null} time_zone The venue's IANA time zone; null while unknown.
 */
/**
 * A performance in a line.
 * @typedef {object} ScheduleLine
 * @property {number} available
 * @property {number} held
 * @property {Record<string, number>} left Free seats by category.
 * @property {number} restricted
 * @property {number} schedule_id
 * @property {number} sold
 * @property {Timestamp} starts_at
 * @property {ScheduleState} state
 */
/**
 * Whether a performance is played.
 * - `CALLED_OFF`: It is not: nothing of it is sold, and what was paid comes back.
 * @typedef {'PLANNED' | 'CALLED_OFF'} ScheduleState
 */
/**
 * The performances that are played of the concert whose queue token the session carries.
 * @typedef {object} Schedules
 * @property {number} revision Rises with what is said of them: a `sale.update` with a higher one says that this is not
 *   so any more.
 * @property {Schedule[]} schedules
 */
/**
 * A seat's number and its state: 0 AVAILABLE, 1 TEMP_RESERVED, 2 RESERVED, 3 RESTRICTED (not for sale).
 * @typedef {[number, 0 | 1 | 2 | 3]} SeatChange
 */
/**
 * All seats; every column has one entry a seat.
 * @typedef {object} SeatColumns
 * @property {number[]} category Index into `categories`.
 * @property {string[]} label Zone, row and number, each label once in the schedule.
 * @property {string[]} number The number on the seat.
 * @property {number[]} [radius] Absent when no seat has a radius of its own; 0 for one that has none.
 * @property {number[]} row Index into `rows`.
 * @property {number[]} x
 * @property {number[]} y
 */
/**
 * Seats that changed, with their absolute states. With v = the client's version: drop it if `version` <= v, apply it if
 * `from` <= v, else watch again.
 * @typedef {object} SeatsDelta
 * @property {number} available The free seats at `version`.
 * @property {SeatChange[]} changes
 * @property {number} from The version that the changes lead on from.
 * @property {number} schedule_id
 * @property {number} version The version that they lead to.
 */
/**
 * An operator who saw an alarm.
 * @typedef {object} SeenBy
 * @property {string} [name]
 * @property {number} [operator_id] Absent of a token that names no operator.
 */
/**
 * A width and a height.
 * @typedef {object} Size
 * @property {number} height
 * @property {number} width
 */
/**
 * The seats of one performance at one version.
 * @typedef {object} SeatsSnapshot
 * @property {number} available The free ones.
 * @property {number} count All seats.
 * @property {number} schedule_id
 * @property {string} seats Two bits a seat, seat 0 in the low bits of byte 0, base64 with padding: 0 AVAILABLE, 1
 *   TEMP_RESERVED, 2 RESERVED, 3 RESTRICTED (not for sale).
 * @property {number} version Grows with every change.
 */
/**
 * The part of the money that was taken at the desk, in minor units of the currency.
 * @typedef {object} TakenAtDesk
 * @property {number} card
 * @property {number} cash
 */
/**
 * A sold seat.
 * @typedef {object} Ticket
 * @property {boolean} [called_off] The performance is not played: absent unless that is so. What was paid comes back.
 * @property {Timestamp} [cancel_until] The time until which `cancel` is allowed; present in `tickets`.
 * @property {Timestamp} [cancelled_at] The time at which its order was cancelled; from then on its code opens no door.
 * @property {string} category
 * @property {string} code The code that is scanned at the door.
 * @property {number} concert_id
 * @property {string} label Zone, row and number.
 * @property {string} [moved_from] The label of the seat in whose place an operator gave this one; the code of the
 *   ticket for that one opens no door.
 * @property {number} price Minor units of the currency.
 * @property {string} [reason] Why the performance was moved or called off, or an operator gave the money back, as they
 *   wrote it.
 * @property {string} reservation_id The reservation to `cancel`.
 * @property {number} schedule_id
 * @property {number} seat
 * @property {Timestamp} [starts_at]
 * @property {string} ticket_id
 * @property {string} [time_zone] The venue's IANA time zone, in which `starts_at` is to be shown; absent while unknown,
 *   and in `pay`.
 * @property {string} [title] The concert's title. With `venue` and `starts_at` always present in `tickets`, not in
 *   `pay`, whose caller knows them.
 * @property {string} [venue]
 */
/**
 * The user's tickets, the next performance first.
 * @typedef {object} Tickets
 * @property {Ticket[]} cancelled Those of cancelled orders, the one cancelled last first.
 * @property {Ticket[]} tickets
 */
/**
 * RFC 3339. The server writes UTC with three digits of a second.
 * @typedef {string} Timestamp
 */
/**
 * Who the session acts as, and where it goes on.
 * @typedef {object} Hello
 * @property {Operator} [operator] The operator, if it is one.
 * @property {QueueUpdate} [queue] The place in line of the resumed queue token, also when it is `DONE` or `EXPIRED`.
 * @property {Reservation[]} [reservations] The open reservations of the resumed queue token.
 * @property {string} server The server's name and version.
 * @property {Timestamp} server_time
 * @property {number} [user_id] Absent of an operator whose token names no user.
 */
