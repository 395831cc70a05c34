import { FrontrowClient, createGuest } from './index.js';

const server = process.argv[2] ?? 'http://127.0.0.1:8080';
const WebSocket = globalThis.WebSocket ?? (await import('ws')).default; // Node before 22 has none of its own
const { access_token: accessToken } = await createGuest(server, 'Ada');
const client = new FrontrowClient({ server, accessToken, WebSocket });
client.on('status', (status) => console.log('connection:', status));
client.on('queue', (queue) => console.log('queue:', queue.status, queue.position ?? ''));
await client.connect();
const [concert] = await client.concerts();
await client.join(concert.concert_id);
await client.admitted();
const schedule = (await client.schedules()).find((schedule) => !schedule.sold_out);
const seats = await client.watch(schedule.schedule_id);
console.log(`${concert.title}: ${seats.available} of ${seats.count} seats are free`);
const held = await client.holdBest(schedule.schedule_id, 2);
await client.charge(held.amount);
const { tickets } = await client.pay(held.reservation_id);
console.log('bought:', tickets.map((ticket) => ticket.label).join(' and '));
client.close();
