import type { Definition, Elsewhere, Handler } from './definition.js'
import { launchArgs, launchEnv } from './launch.js'
import type { NativeEngine } from './native.js'

/** How many tasks with other options are kept settled; the one used first goes first. */
const MOST = 1_024

/** @internal The tasks that one engine knows, and their options settled against it. */
export class Plans {
  readonly #native: NativeEngine
  readonly #handlers: Handler[] = []
  readonly #names = new Map<string, Definition>()
  readonly #registered = new Map<Definition, number>()
  /** Those that were found to fit the budget: only these are submitted. */
  readonly #tasks = new Map<Definition, number>()
  readonly #refined = new Map<Definition, number>()
  /** Whether the native half knows what processes are started with. */
  #prepared = false
  readonly #elsewhere = new Map<string, number>()

  constructor(native: NativeEngine) {
    this.#native = native
  }

  /** The number of the settled options of a task, which is registered if it wasn't. */
  of(definition: Definition | Elsewhere): number {
    if (definition.handler === undefined) return this.#of(definition.name)
    const known = definition.base ? this.#refined.get(definition) : this.#tasks.get(definition)
    return known ?? this.#settle(definition)
  }

  /**
   * Has the engine know a task that nothing was submitted of yet. Where its name is taken or its options
   * don't fit, that is said when it is submitted.
   */
  learn(definition: Definition): void {
    try {
      this.#register(definition)
    } catch {}
  }

  /** The task with this name, if it is registered. */
  find(name: string): Definition | undefined {
    return this.#names.get(name)
  }

  /** The function with this number. */
  handler(number: number): Handler | undefined {
    return this.#handlers[number]
  }

  /** The number of what a task is settled to that only others know. */
  #of(name: string): number {
    const known = this.#elsewhere.get(name)
    if (known !== undefined) return known
    const plan = this.#native.plan(name, [])
    this.#elsewhere.set(name, plan)
    if (this.#elsewhere.size > MOST) this.#forgetFirst(this.#elsewhere)
    return plan
  }

  #settle(definition: Definition): number {
    const { base } = definition
    const registered = this.#register(base ?? definition)
    if (base) return this.#refine(definition)
    this.#native.checkPlan(registered)
    this.#tasks.set(definition, registered)
    return registered
  }

  #register(definition: Definition): number {
    const known = this.#registered.get(definition)
    if (known !== undefined) return known
    const { name, options, handler, module } = definition
    if (module !== undefined) this.#prepare()
    const plan = this.#native.register(name, options, this.#handlers.length, module ?? null)
    this.#handlers.push(handler)
    this.#names.set(name, definition)
    this.#registered.set(definition, plan)
    return plan
  }

  /** Once there is a task for them, processes are started as this one would be now. */
  #prepare(): void {
    if (this.#prepared) return
    this.#prepared = true
    this.#native.prepareProcesses(launchArgs(this.#native.live), launchEnv())
  }

  #refine(definition: Definition): number {
    const plan = this.#native.plan(definition.name, definition.options)
    try {
      this.#native.checkPlan(plan)
    } catch (error) {
      this.#native.forgetPlan(plan)
      throw error
    }
    this.#refined.set(definition, plan)
    if (this.#refined.size > MOST) this.#forgetFirst(this.#refined)
    return plan
  }

  #forgetFirst<Key>(plans: Map<Key, number>): void {
    for (const [key, plan] of plans) {
      plans.delete(key)
      this.#native.forgetPlan(plan)
      return
    }
  }
}
