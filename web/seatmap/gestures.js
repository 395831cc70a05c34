/**
 * Fingers, mouse and wheel on the canvas, as pans, zooms, taps and hovers.
 *
 * Always: a press that moved less than a few pixels and was short is a tap; everything else never picks a seat.
 */

const TAP_MOVES_MAX = 8;
const TAP_TAKES_MAX_MS = 600;
const DOUBLE_TAP_MS = 320;
const DOUBLE_TAP_APART = 30;

/**
 * @typedef {object} GestureHandlers
 * @property {() => void} begin Something touches the map.
 * @property {(dx: number, dy: number) => void} pan
 * @property {(factor: number, x: number, y: number) => void} zoom
 * @property {(vx: number, vy: number) => void} fling Its speeds are in px/ms.
 * @property {(x: number, y: number, touch: boolean) => void} tap
 * @property {(x: number, y: number) => void} doubleTap
 * @property {(at: {x: number, y: number} | null) => void} hover
 */

/**
 * @param {HTMLElement} element
 * @param {GestureHandlers} on
 */
export function listen(element, on) {
  /** @type {Map<number, {x: number, y: number}>} */
  const pointers = new Map();
  let pressed = { x: 0, y: 0, at: 0 };
  let moved = false;
  let lastTap = { x: 0, y: 0, at: -Infinity };
  let speed = { vx: 0, vy: 0, at: 0 };

  /** @param {PointerEvent | WheelEvent | MouseEvent} event */
  const place = (event) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  element.addEventListener('pointerdown', (event) => {
    if (event.pointerType === 'mouse' && event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    if (pointers.size === 1) {
      pressed = { ...place(event), at: event.timeStamp };
      moved = false;
      speed = { vx: 0, vy: 0, at: event.timeStamp };
    } else moved = true;
    on.begin();
  });

  element.addEventListener('pointermove', (event) => {
    const at = place(event);
    const before = pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== 'touch') on.hover(at);
      return;
    }
    if (pointers.size === 1) {
      if (!moved && Math.hypot(at.x - pressed.x, at.y - pressed.y) < TAP_MOVES_MAX) return;
      if (!moved) on.hover(null);
      moved = true;
      on.pan(at.x - before.x, at.y - before.y);
      const elapsed = Math.max(1, event.timeStamp - speed.at);
      const share = Math.min(1, elapsed / 60);
      speed = {
        vx: speed.vx * (1 - share) + ((at.x - before.x) / elapsed) * share,
        vy: speed.vy * (1 - share) + ((at.y - before.y) / elapsed) * share,
        at: event.timeStamp,
      };
      pointers.set(event.pointerId, at);
      return;
    }
    const [a, b] = [...pointers.values()];
    pointers.set(event.pointerId, at);
    const [c, d] = [...pointers.values()];
    const [middle, middleBefore] = [centre(c, d), centre(a, b)];
    on.pan(middle.x - middleBefore.x, middle.y - middleBefore.y);
    const apart = Math.hypot(a.x - b.x, a.y - b.y);
    if (apart > 0) on.zoom(Math.hypot(c.x - d.x, c.y - d.y) / apart, middle.x, middle.y);
  });

  /** @param {PointerEvent} event */
  const lift = (event) => {
    if (!pointers.delete(event.pointerId) || pointers.size > 0) return;
    const at = place(event);
    if (event.type === 'pointercancel') return;
    if (moved) {
      if (event.timeStamp - speed.at < 60) on.fling(speed.vx, speed.vy);
      return;
    }
    if (event.timeStamp - pressed.at > TAP_TAKES_MAX_MS) return;
    const again = event.timeStamp - lastTap.at < DOUBLE_TAP_MS && Math.hypot(at.x - lastTap.x, at.y - lastTap.y) < DOUBLE_TAP_APART;
    lastTap = { ...at, at: again ? -Infinity : event.timeStamp };
    if (again) on.doubleTap(at.x, at.y);
    else on.tap(at.x, at.y, event.pointerType === 'touch');
  };
  element.addEventListener('pointerup', lift);
  element.addEventListener('pointercancel', lift);
  element.addEventListener('pointerleave', () => on.hover(null));

  element.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      const at = place(event);
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      // A pinch on a touchpad arrives as a wheel with Ctrl and small steps.
      const step = event.ctrlKey ? 0.01 : 0.0018;
      on.begin();
      on.zoom(Math.exp(-event.deltaY * lines * step), at.x, at.y);
    },
    { passive: false },
  );
}

/** @param {{x: number, y: number}} a @param {{x: number, y: number}} b */
function centre(a, b) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
