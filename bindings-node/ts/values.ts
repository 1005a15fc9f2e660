/**
 * @internal Live objects by number. The native half holds numbers and says when it lets one go, so
 * that no thread but this one ever touches an object.
 */
export class Values {
  #slots: unknown[] = []
  #free: number[] = []

  /** Keeps a value and gives its number. */
  put(value: unknown): number {
    const number = this.#free.pop()
    if (number !== undefined) {
      this.#slots[number] = value
      return number
    }
    return this.#slots.push(value) - 1
  }

  /** The value with this number. */
  get(number: number): unknown {
    return this.#slots[number]
  }

  /** Lets go of the value with this number. */
  release(number: number): void {
    this.#slots[number] = undefined
    this.#free.push(number)
  }

  /** How many values are kept. */
  get size(): number {
    return this.#slots.length - this.#free.length
  }
}
