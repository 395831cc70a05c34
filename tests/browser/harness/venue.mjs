/** A club with few seats, for houses that sell out. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Server } from './server.mjs';

/**
 * A server with a concert in a house of one row.
 * @param {number} seats
 * @param {{guests?: boolean, opensAt?: string, currency?: string, title?: string, performances?: number}} [options] `opensAt`: when the sale opens; else it is open.
 */
export async function club(seats, { guests = true, opensAt, currency = 'KRW', title = 'Small Club Night', performances = 1 } = {}) {
  const server = new Server(['--set', `guests=${guests}`]);
  const plan = {
    name: 'Club',
    categories: [{ name: 'Row', color: '#2471a3' }],
    size: { width: 400, height: 200 },
    zones: [
      {
        name: 'Floor',
        zone_id: 'floor',
        uuid: 'zone-floor',
        position: { x: 20, y: 80 },
        areas: [],
        rows: [
          {
            row_number: 'A',
            row_number_position: 'both',
            uuid: 'row-a',
            position: { x: 0, y: 0 },
            seats: Array.from({ length: seats }, (_, i) => ({
              seat_number: String(i + 1),
              seat_guid: `A-${i + 1}`,
              uuid: `seat-${i + 1}`,
              position: { x: i * 40, y: 0 },
              category: 'Row',
            })),
          },
        ],
      },
    ],
  };
  const file = join(server.data, 'club.json');
  writeFileSync(file, JSON.stringify(plan));
  const starts = Array.from({ length: performances }, (_, n) => ['--starts-at', new Date(Date.now() + (60 + n) * 24 * 3600_000).toISOString()]);
  const { concert_id: concertId, schedule_ids: scheduleIds } = await server.command(
    'import', file, '--title', title, ...starts.flat(), '--price', 'Row=50000', '--currency', currency, ...(opensAt ? ['--opens-at', opensAt] : ['--open']),
  );
  await server.begin();
  return { server, concertId, scheduleId: scheduleIds[0], scheduleIds };
}
