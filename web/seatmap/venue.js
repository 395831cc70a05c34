/**
 * A layout turned into what drawing and moving about need: typed columns, zones with their rows, rows with their seats
 * in order, outlines and centres.
 *
 * Always: a seat is its index everywhere; nothing here changes after construction but prices; no two seats are drawn over
 * each other, also where the plan has them so. Not here: who holds which seat.
 */

import { Grid } from './grid.js';
import { placeInWords, placeOf } from './place.js';

/** @typedef {import('../sdk/wire.js').Layout} Layout */

/** Share of the distance between neighbours that a seat's radius takes. */
export const RADIUS_SHARE = 0.4;
/** The reach of a shape, as a multiple of its radius. */
export const SHAPE_REACH = 1.16;
/** Seats closer than this share of the usual distance stand on top of each other; they are moved so far apart. */
const TOGETHER_BELOW = 0.25;
const MOVED_APART = 0.5;

/**
 * @typedef {object} VenueRow
 * @property {number} index
 * @property {number} zone
 * @property {string} label
 * @property {number[]} seats Along the row.
 */

/**
 * @typedef {object} VenueZone
 * @property {number} index
 * @property {string} name
 * @property {string} short The name without what most sections' names begin with: "340" of "Section 340".
 * @property {VenueRow[]} rows
 * @property {number} seats The number of seats.
 * @property {number} category The category of most of its seats.
 * @property {{x: number, y: number}[]} outline Convex, around the seats' centres.
 * @property {number[]} categories Those of its seats.
 * @property {{least: number, most: number}} prices
 * @property {number} x The centre of its seats.
 * @property {number} y
 */

export class Venue {
  /** @param {Layout} layout */
  constructor(layout) {
    const { seats } = layout;
    this.layout = layout;
    this.count = seats.x.length;
    this.x = Float32Array.from(seats.x);
    this.y = Float32Array.from(seats.y);
    this.category = Uint16Array.from(seats.category);
    /** The row of each seat. */
    this.row = Uint32Array.from(seats.row);
    /** @type {VenueRow[]} */
    this.rows = layout.rows.map((row, index) => ({ index, zone: row.zone, label: row.label, seats: [] }));
    for (let seat = 0; seat < this.count; seat++) this.rows[this.row[seat]].seats.push(seat);
    /** A seat's place in its row. */
    this.place = new Uint32Array(this.count);
    for (const row of this.rows) {
      row.seats.sort((a, b) => alongRow(this, row, a) - alongRow(this, row, b));
      row.seats.forEach((seat, place) => (this.place[seat] = place));
    }
    const prefix = commonPrefix(layout.zones.map((zone) => zone.name));
    /** @type {VenueZone[]} */
    this.zones = layout.zones.map((zone, index) => zoneOf(this, index, zone.name, prefix));
    this.categories = layout.categories;
    /** The usual distance between neighbours. */
    this.spacing = usualSpacing(this);
    this.grid = moveApart(this);
    /** The part of the usual size that a seat is drawn in, so that it touches no other: 1 for nearly all. */
    this.share = sharesOf(this);
    this.bounds = boundsOf(this);
    this.extent = Math.max(this.bounds.maxX - this.bounds.minX, this.bounds.maxY - this.bounds.minY);
  }

  /** @param {number} seat */
  zoneOf(seat) {
    return this.rows[this.row[seat]].zone;
  }

  /**
   * What free seats of each category cost now; null: what the layout says. Says whether that is news.
   * @param {readonly number[] | null} prices
   */
  reprice(prices) {
    const categories = this.layout.categories.map((of, index) => ({ ...of, price: prices?.[index] ?? of.price }));
    if (categories.every(({ price }, index) => price === this.categories[index].price)) return false;
    this.categories = categories;
    for (const zone of this.zones) zone.prices = pricesOf(zone.categories, categories);
    return true;
  }

  /** @param {number} seat */
  price(seat) {
    return this.categories[this.category[seat]].price;
  }

  /** The seat's number within its row. @param {number} seat */
  number(seat) {
    return this.layout.seats.number[seat];
  }

  /**
   * Zone, row and seat, each named as what it is, in the plan's own words if it has some.
   * @param {number} seat
   * @param {import('./place.js').PlaceWords} words
   */
  inWords(seat, words) {
    return placeInWords(placeOf(this.layout, seat), words);
  }

  /** Zone, row and number in one, as on the ticket. @param {number} seat */
  label(seat) {
    const given = this.layout.seats.label?.[seat];
    if (given) return given;
    const row = this.rows[this.row[seat]];
    const zone = this.layout.zones[row.zone].name;
    return [this.layout.zones.length > 1 ? zone : '', [row.label, this.number(seat)].filter(Boolean).join('-')].filter(Boolean).join(' ');
  }
}

/**
 * Seats that stand on the same spot are set around it.
 * @param {Venue} venue
 * @returns {Grid} Of where they are then.
 */
function moveApart(venue) {
  const reach = venue.spacing * TOGETHER_BELOW;
  const grid = new Grid(venue.x, venue.y, venue.spacing * 5);
  const moved = new Set();
  for (let seat = 0; seat < venue.count; seat++) {
    if (moved.has(seat)) continue;
    const [x, y] = [venue.layout.seats.x[seat], venue.layout.seats.y[seat]];
    let place = 0;
    grid.within(x - reach, y - reach, x + reach, y + reach, (other) => {
      if (other <= seat || moved.has(other)) return;
      place++;
      moved.add(other);
      // Rings of six, twelve, … places, as close as circles lie.
      let [ring, before] = [1, 0];
      while (place > before + ring * 6) before += ring++ * 6;
      const angle = ((place - before) / (ring * 6)) * 2 * Math.PI;
      const far = venue.spacing * MOVED_APART * ring;
      venue.x[other] = x + Math.cos(angle) * far;
      venue.y[other] = y + Math.sin(angle) * far;
    });
  }
  return moved.size === 0 ? grid : new Grid(venue.x, venue.y, venue.spacing * 5);
}

/** The shares in eighths, so that few sizes have to be drawn. @param {Venue} venue */
function sharesOf({ count, x, y, spacing, grid }) {
  const shares = new Float32Array(count);
  const wanted = spacing * RADIUS_SHARE * SHAPE_REACH;
  for (let seat = 0; seat < count; seat++) {
    // Beyond two full radii nobody is touched.
    let nearest = wanted * 2;
    grid.within(x[seat] - nearest, y[seat] - nearest, x[seat] + nearest, y[seat] + nearest, (other) => {
      if (other !== seat) nearest = Math.min(nearest, Math.hypot(x[other] - x[seat], y[other] - y[seat]));
    });
    const share = nearest / (wanted * 2);
    shares[seat] = share >= 1 ? 1 : Math.max(1 / 64, share < 1 / 8 ? share : Math.floor(share * 8) / 8);
  }
  return shares;
}

/**
 * A seat's place along its row: by its direction of greater extent, so that slanted and vertical rows work as well.
 * @param {Venue} venue
 * @param {VenueRow & {direction?: {x: number, y: number}}} row
 * @param {number} seat
 */
function alongRow(venue, row, seat) {
  if (!row.direction) {
    const [first] = row.seats;
    const last = row.seats[row.seats.length - 1];
    row.direction = { x: venue.x[last] - venue.x[first], y: venue.y[last] - venue.y[first] };
    // Rows read from left to right, whichever end the plan begins with; a vertical row from top to bottom.
    const { x, y } = row.direction;
    if (x < 0 || (x === 0 && y < 0)) row.direction = { x: -x, y: -y };
    if (x === 0 && y === 0) row.direction = { x: 1, y: 0 };
  }
  return venue.x[seat] * row.direction.x + venue.y[seat] * row.direction.y;
}

/**
 * @param {Venue} venue
 * @param {number} index
 * @param {string} name
 * @param {string} prefix
 * @returns {VenueZone}
 */
function zoneOf(venue, index, name, prefix) {
  const rows = venue.rows.filter((row) => row.zone === index && row.seats.length > 0);
  const seats = rows.flatMap((row) => row.seats);
  const perCategory = new Map();
  let [x, y] = [0, 0];
  for (const seat of seats) {
    perCategory.set(venue.category[seat], (perCategory.get(venue.category[seat]) ?? 0) + 1);
    x += venue.x[seat] / seats.length;
    y += venue.y[seat] / seats.length;
  }
  const categories = [...perCategory.keys()];
  const prices = pricesOf(categories, venue.layout.categories);
  const category = [...perCategory].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
  const short = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  return { index, name, short, rows, seats: seats.length, category, categories, prices, outline: convexHull(seats.map((s) => ({ x: venue.x[s], y: venue.y[s] }))), x, y };
}

/**
 * @param {readonly number[]} indexes
 * @param {readonly {price: number}[]} categories
 */
function pricesOf(indexes, categories) {
  const prices = indexes.map((index) => categories[index].price);
  return { least: Math.min(...prices), most: Math.max(...prices) };
}

/**
 * The words that most of many names begin with, with the space behind them; empty when there are none.
 * @param {string[]} names
 */
function commonPrefix(names) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const name of names) {
    const space = name.lastIndexOf(' ');
    if (space > 0 && space < name.length - 1) counts.set(name.slice(0, space + 1), (counts.get(name.slice(0, space + 1)) ?? 0) + 1);
  }
  const [prefix, count] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? ['', 0];
  return count >= 8 && count > names.length / 2 ? prefix : '';
}

/**
 * The median distance between seats that follow each other in a row.
 * @param {Venue} venue
 */
function usualSpacing(venue) {
  /** @type {number[]} */
  const distances = [];
  for (const { seats } of venue.rows) {
    for (let place = 1; place < seats.length && distances.length < 20_000; place++) {
      const [a, b] = [seats[place - 1], seats[place]];
      const distance = Math.hypot(venue.x[a] - venue.x[b], venue.y[a] - venue.y[b]);
      if (distance > 0) distances.push(distance);
    }
  }
  distances.sort((a, b) => a - b);
  return distances[distances.length >> 1] ?? Math.max(venue.layout.size.width, 1) / 20;
}

/**
 * The bounds of what is to be seen: the seats and the areas with a margin, not the sheet that the plan was drawn on.
 * @param {Venue} venue
 */
function boundsOf(venue) {
  const bounds = { minX: Infinity, minY: Infinity, maxX: -Infinity, maxY: -Infinity };
  for (let seat = 0; seat < venue.count; seat++) {
    bounds.minX = Math.min(bounds.minX, venue.x[seat]);
    bounds.maxX = Math.max(bounds.maxX, venue.x[seat]);
    bounds.minY = Math.min(bounds.minY, venue.y[seat]);
    bounds.maxY = Math.max(bounds.maxY, venue.y[seat]);
  }
  const { width, height } = venue.layout.size;
  for (const area of venue.layout.areas) {
    const box = areaBox(area);
    if (box.minX < -width * 0.1 || box.minY < -height * 0.1 || box.maxX > width * 1.1 || box.maxY > height * 1.1) continue; // A stray one.
    bounds.minX = Math.min(bounds.minX, box.minX);
    bounds.minY = Math.min(bounds.minY, box.minY);
    bounds.maxX = Math.max(bounds.maxX, box.maxX);
    bounds.maxY = Math.max(bounds.maxY, box.maxY);
  }
  if (bounds.minX > bounds.maxX) return { minX: 0, minY: 0, maxX: width || 1, maxY: height || 1 };
  const margin = venue.spacing * 2;
  return { minX: bounds.minX - margin, minY: bounds.minY - margin, maxX: bounds.maxX + margin, maxY: bounds.maxY + margin };
}

/**
 * The box around an area's shape, without its text.
 * @param {import('../sdk/wire.js').LayoutArea} area
 */
export function areaBox({ position, rotation, rectangle, circle, ellipse, polygon }) {
  const { x: rx, y: ry } = circle ? { x: circle.radius, y: circle.radius } : (ellipse?.radius ?? { x: 0, y: 0 });
  /** @type {{x: number, y: number}[]} */
  let corners = polygon?.points ?? [];
  if (rectangle) corners = [{ x: 0, y: 0 }, { x: rectangle.width, y: 0 }, { x: 0, y: rectangle.height }, { x: rectangle.width, y: rectangle.height }];
  else if (circle || ellipse) corners = [{ x: -rx, y: -ry }, { x: rx, y: -ry }, { x: -rx, y: ry }, { x: rx, y: ry }];
  else if (corners.length === 0) corners = [{ x: 0, y: 0 }];
  const [sin, cos] = [Math.sin(((rotation ?? 0) * Math.PI) / 180), Math.cos(((rotation ?? 0) * Math.PI) / 180)];
  const xs = corners.map(({ x, y }) => position.x + x * cos - y * sin);
  const ys = corners.map(({ x, y }) => position.y + x * sin + y * cos);
  return { minX: Math.min(...xs), minY: Math.min(...ys), maxX: Math.max(...xs), maxY: Math.max(...ys) };
}

/**
 * Andrew's monotone chain.
 * @param {{x: number, y: number}[]} points
 * @returns {{x: number, y: number}[]}
 */
export function convexHull(points) {
  const sorted = points.sort((a, b) => a.x - b.x || a.y - b.y);
  if (sorted.length < 3) return sorted;
  /** @param {Iterable<{x: number, y: number}>} walk */
  const half = (walk) => {
    /** @type {{x: number, y: number}[]} */
    const chain = [];
    for (const point of walk) {
      while (chain.length >= 2 && turn(chain[chain.length - 2], chain[chain.length - 1], point) <= 0) chain.pop();
      chain.push(point);
    }
    chain.pop();
    return chain;
  };
  return [...half(sorted), ...half([...sorted].reverse())];
}

/**
 * @param {{x: number, y: number}} a
 * @param {{x: number, y: number}} b
 * @param {{x: number, y: number}} c
 */
function turn(a, b, c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}
