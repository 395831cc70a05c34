/**
 * What somebody types while figures go on arriving: it stays as it is typed, and is sent on top of what was shown when they began.
 */
import { useEffect, useState } from 'preact/hooks';

/**
 * @template T
 * @param {T} now What the form shows, as it is now: JSON.
 */
export function useTyped(now) {
  const text = JSON.stringify(now);
  // What was shown when somebody began to type, or what they were told since; and how often they typed.
  const [typed, setTyped] = useState(/** @type {{ saw: string, drawn: string, times: number, savedAt?: string } | null} */ (null));
  useEffect(() => {
    // What was saved is what the form shows by itself, as soon as it arrives; but not over what is typed meanwhile.
    setTyped((now) => (now?.savedAt !== undefined && now.savedAt !== text ? null : now));
  }, [text, typed]);
  const times = typed?.times ?? 0;
  return {
    /** Of the form, which begins anew with what it shows. */
    key: typed?.drawn ?? text,
    saw: /** @type {T} */ (typed ? JSON.parse(typed.saw) : now),
    onInput: () => setTyped((before) => ({ saw: before?.saw ?? text, drawn: before?.drawn ?? text, times: (before?.times ?? 0) + 1 })),
    /** What was typed while it was on its way is on top of it, and not saved yet. @param {T} saved */
    saved: (saved) => setTyped((before) => ({
      saw: JSON.stringify(saved), drawn: before?.drawn ?? text, times: before?.times ?? 0, ...((before?.times ?? 0) === times && { savedAt: text }),
    })),
    /** Whoever was told what it is now has seen that. @param {T} is */
    told: (is) => setTyped((before) => ({ saw: JSON.stringify(is), drawn: before?.drawn ?? text, times: before?.times ?? 0 })),
  };
}
