/**
 * The sound and the notification at admission.
 *
 * Always: only after the fan asked for them, because browsers allow a sound only after a touch and a notification only
 * after a question.
 */
import { signal } from '@preact/signals';
import { load, save } from './storage.js';

/** @type {AudioContext | null} */
let audio = null;

/** Whether the fan wants to be called. */
export const wanted = signal(load('chime') === 'on');
/** @type {import('@preact/signals').Signal<NotificationPermission>} */
export const permission = signal('Notification' in globalThis ? Notification.permission : 'denied');

/** Prepares the sound; called from a click, because without one it would stay silent. */
export function prepareChime() {
  if (!wanted.value) return;
  audio ??= new AudioContext();
  void audio.resume();
}

/** @param {boolean} on */
export async function callMe(on) {
  wanted.value = on;
  save('chime', on ? 'on' : null);
  if (!on) return;
  prepareChime();
  if (permission.value === 'default') permission.value = await Notification.requestPermission();
  // On phones a notification needs a service worker to show it.
  if (permission.value === 'granted') await navigator.serviceWorker?.register('/worker.js').catch(() => {});
}

/**
 * @param {string} title
 * @param {string} body
 */
export async function chime(title, body) {
  if (!wanted.value) return;
  play();
  if (permission.value !== 'granted' || document.visibilityState === 'visible') return;
  const options = { body, icon: '/app/icon.svg', tag: 'frontrow-admission' };
  try {
    const worker = await navigator.serviceWorker?.getRegistration();
    if (worker) await worker.showNotification(title, options);
    else new Notification(title, options);
  } catch {
    // The sound and the title have to do.
  }
}

/** Three rising notes. */
function play() {
  if (!audio) return;
  const start = audio.currentTime + 0.05;
  [523.25, 659.25, 783.99].forEach((frequency, index) => {
    const context = /** @type {AudioContext} */ (audio);
    const at = start + index * 0.18;
    const tone = new OscillatorNode(context, { type: 'sine', frequency });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.linearRampToValueAtTime(0.25, at + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.9);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + 1);
  });
}
