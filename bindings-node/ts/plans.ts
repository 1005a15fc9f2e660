import type { Definition, Handler } from './definition.js'
import type { NativeEngine } from './native.js'

/** How many tasks with other options are kept settled; the one used first goes first. */
const MOST = 1_024

/** @internal The tasks that one engine knows, and their options settled against it. */
export class Plans {
  readonly #native: NativeEngine
  readonly #handlers: Handler[] = []
  readonly #names = new Map<string, Definition>()
  readonly #tasks = new Map<Definition, number>()
  readonly #refined = new Map<Definition, number>()

  constructor(native: NativeEngine) {
    this.#native = native
  }

  /** The number of the settled options of a task, which is registered if it wasn't. */
  of(definition: Definition): number {
    const known = this.#tasks.get(definition)
    if (known !== undefined) return known
    const { base } = definition
    return base === undefined ? this.#register(definition) : this.#refine(definition, base)
  }

  /** The task with this name, if it is registered. */
  find(name: string): Definition | undefined {
    return this.#names.get(name)
  }

  /** The function with this number. */
  handler(number: number): Handler | undefined {
    return this.#handlers[number]
  }

  #register(definition: Definition): number {
    const { name, options, handler } = definition
    const plan = this.#native.register(name, options, this.#handlers.length)
    this.#handlers.push(handler)
    this.#names.set(name, definition)
    this.#tasks.set(definition, plan)
    return plan
  }

  #refine(definition: Definition, base: Definition): number {
    const known = this.#refined.get(definition)
    if (known !== undefined) return known
    this.of(base)
    const plan = this.#native.plan(definition.name, definition.options)
    this.#refined.set(definition, plan)
    if (this.#refined.size > MOST) this.#forgetFirst()
    return plan
  }

  #forgetFirst(): void {
    for (const [definition, plan] of this.#refined) {
      this.#refined.delete(definition)
      this.#native.forgetPlan(plan)
      return
    }
  }
}
