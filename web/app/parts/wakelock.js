/**
 * Keeps the screen awake while something has to be shown, for instance at the door.
 *
 * Always: the browser drops the lock when the page goes out of sight, so it is asked for again whenever it comes back.
 * Where it is refused (low battery, no such thing), the screen goes dark as it would have.
 */
import { useEffect } from 'preact/hooks';

export function useWakeLock() {
  useEffect(() => {
    let gone = false;
    /** @type {WakeLockSentinel | undefined} */
    let lock;
    const drop = (/** @type {WakeLockSentinel | undefined} */ old) => void old?.release().catch(() => {});
    async function ask() {
      if (document.visibilityState !== 'visible') return;
      const given = await navigator.wakeLock?.request('screen').catch(() => undefined);
      if (gone) return drop(given); // It was closed while we asked.
      drop(lock);
      lock = given;
    }
    void ask();
    document.addEventListener('visibilitychange', ask);
    return () => {
      gone = true;
      document.removeEventListener('visibilitychange', ask);
      drop(lock);
    };
  }, []);
}
