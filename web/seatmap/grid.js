/**
 * Points in square cells, to find those in a rectangle or the one nearest to a place without looking at all.
 *
 * Always: built once; a point is its index into the columns it was built from.
 */
export class Grid {
  /**
   * @param {Float32Array} x
   * @param {Float32Array} y
   * @param {number} cell Side of a cell; a few times the usual distance between neighbours.
   */
  constructor(x, y, cell) {
    this.x = x;
    this.y = y;
    let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < x.length; i++) {
      minX = Math.min(minX, x[i]);
      maxX = Math.max(maxX, x[i]);
      minY = Math.min(minY, y[i]);
      maxY = Math.max(maxY, y[i]);
    }
    if (x.length === 0) [minX, minY, maxX, maxY] = [0, 0, 0, 0];
    // A plan with one seat far out must not make millions of empty cells.
    this.cell = Math.max(cell, (maxX - minX) / 1024, (maxY - minY) / 1024, 1e-6);
    this.minX = minX;
    this.minY = minY;
    this.columns = Math.floor((maxX - minX) / this.cell) + 1;
    this.rows = Math.floor((maxY - minY) / this.cell) + 1;
    const cells = this.columns * this.rows;
    /** The index in `points` at which a cell's points begin. */
    this.starts = new Uint32Array(cells + 1);
    for (let i = 0; i < x.length; i++) this.starts[this.#cellOf(i) + 1]++;
    for (let c = 0; c < cells; c++) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice();
    this.points = new Uint32Array(x.length);
    for (let i = 0; i < x.length; i++) this.points[next[this.#cellOf(i)]++] = i;
  }

  /** @param {number} point */
  #cellOf(point) {
    const column = Math.floor((this.x[point] - this.minX) / this.cell);
    const row = Math.floor((this.y[point] - this.minY) / this.cell);
    return row * this.columns + column;
  }

  /**
   * @param {number} minX
   * @param {number} minY
   * @param {number} maxX
   * @param {number} maxY
   * @param {(point: number) => void} visit
   */
  within(minX, minY, maxX, maxY, visit) {
    const fromColumn = Math.max(0, Math.floor((minX - this.minX) / this.cell));
    const toColumn = Math.min(this.columns - 1, Math.floor((maxX - this.minX) / this.cell));
    const fromRow = Math.max(0, Math.floor((minY - this.minY) / this.cell));
    const toRow = Math.min(this.rows - 1, Math.floor((maxY - this.minY) / this.cell));
    for (let row = fromRow; row <= toRow; row++) {
      const first = this.starts[row * this.columns + fromColumn];
      const last = this.starts[row * this.columns + toColumn + 1];
      for (let i = first; i < last; i++) {
        const point = this.points[i];
        const [x, y] = [this.x[point], this.y[point]];
        if (x >= minX && x <= maxX && y >= minY && y <= maxY) visit(point);
      }
    }
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} reach
   * @returns {number} -1 when there is none within reach.
   */
  nearest(x, y, reach) {
    let [best, bestSquare] = [-1, reach * reach];
    this.within(x - reach, y - reach, x + reach, y + reach, (point) => {
      const square = (this.x[point] - x) ** 2 + (this.y[point] - y) ** 2;
      if (square <= bestSquare) [best, bestSquare] = [point, square];
    });
    return best;
  }
}
