/**
 * What is watched, live: one connection for as long as somebody is signed in, and a page that shows what it says.
 *
 * Always: whoever signs out, or is signed out, is connected no more.
 */
import { effect, signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { OpsClient } from '../sdk/ops.js';
import { token } from './api.js';
import { me, resume } from './session.js';

/** `ended`: the server closed it for good, and nothing is tried again until somebody wants to. */
/** @type {import('@preact/signals').Signal<'connecting' | 'online' | 'reconnecting' | 'ended'>} */
export const connection = signal('connecting');

/** @type {import('@preact/signals').Signal<OpsClient | null>} */
const client = signal(/** @type {OpsClient | null} */ (null));

function connect() {
  const bearer = token();
  if (!bearer || client.peek()) return;
  connection.value = 'connecting';
  const opened = new OpsClient({ token: bearer });
  client.value = opened;
  opened.on('status', (status) => {
    if (client.peek() === opened && status !== 'closed') connection.value = status;
  });
  opened.on('closed', () => {
    if (client.peek() !== opened) return;
    client.value = null;
    connection.value = 'ended';
    // Somebody who was signed out elsewhere is shown that.
    void resume();
  });
}

function disconnect() {
  client.peek()?.close();
  client.value = null;
}

effect(() => {
  if (me.value) return;
  disconnect();
});
addEventListener('online', () => client.peek()?.probe());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') client.peek()?.probe();
});

/** Connects after the server ended it. */
export function connectAgain() {
  connect();
}

/**
 * One sale, or every sale, for as long as the page is open.
 * @param {number | null} concertId
 */
export function useWatched(concertId) {
  const [, redraw] = useState(0);
  const [model, setModel] = useState(/** @type {import('../sdk/ops.js').OpsModel | null} */ (null));
  const [unknown, setUnknown] = useState(false);
  const own = client.value;
  useEffect(() => {
    if (!own) {
      if (connection.peek() !== 'ended') connect();
      return;
    }
    const watched = own.watch(concertId);
    setModel(watched);
    const ends = [
      watched.on('change', () => redraw((n) => n + 1)),
      own.on('unwatched', ({ concertId: of }) => {
        if (of === concertId) setUnknown(true);
      }),
    ];
    return () => {
      ends.forEach((end) => end());
      own.unwatch(concertId);
    };
  }, [concertId, own]);
  return { model, unknown };
}

/** A performance's seats, live. @param {number | null} scheduleId */
export function useSeats(scheduleId) {
  const [model, setModel] = useState(/** @type {import('../sdk/seats.js').SeatModel | null} */ (null));
  const own = client.value;
  useEffect(() => {
    if (!own || scheduleId === null) return;
    setModel(own.seats(scheduleId));
    return () => {
      setModel(null);
      own.leaveSeats(scheduleId);
    };
  }, [scheduleId, own]);
  return model;
}
