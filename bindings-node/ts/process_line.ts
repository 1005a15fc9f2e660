import { type NativeChild, native, type StopFacts, type Thrown } from './native.js'
import { NativeLine } from './native_line.js'

/** What the title of a process may have. */
const UNFIT = /[^A-Za-z0-9_.:-]/g

/** The longest name of a task in a title. */
const LONGEST = 100

/** @internal The line of a process: a socket, which it was started with. */
export class ProcessLine extends NativeLine {
  readonly #native: NativeChild
  /** The names of tasks as titles show them, by the numbers of their functions. */
  readonly #names: string[] = []
  /** What the title says of the job. */
  #title = ''
  /** The KiB that this process had when the job began. */
  #before = 0

  /** `live` is as for the engine; `wake` is called on this process's loop. */
  constructor(live: boolean, wake: () => void) {
    const child = new native.NativeChild(wake)
    super(child, live)
    this.#native = child
  }

  protected exchange(numbers: Int32Array, bytes: Uint8Array): void {
    native.childExchange(numbers, bytes)
  }

  protected override grown(): number {
    return peak() - this.#before
  }

  /** The engine has let go of a process that gets no more jobs. */
  protected override idle(ever: boolean): void {
    if (ever) process.exit()
    process.title = 'bursar:idle'
  }

  protected override began(handler: number, id: number): void {
    this.#names[handler] ??= this.task(handler).name.replace(UNFIT, '_').slice(0, LONGEST)
    const name = this.#names[handler]
    this.#title = `bursar-${(id >>> 0).toString(16).padStart(8, '0')}:${name}`
    process.title = `${this.#title}:running`
    this.#before = peak()
  }

  loads(): void {
    this.#native.loads()
  }

  loaded(): void {
    this.#native.loaded()
    this.#before = peak()
  }

  override stopFacts(): StopFacts | null {
    const facts = super.stopFacts()
    if (facts) process.title = `${this.#title}:stopping`
    return facts
  }

  acquit(): void {
    this.#native.breaks(null)
  }

  blame(thrown: Thrown): void {
    this.#native.breaks(thrown)
  }
}

/** The peak of memory, in KiB; it is forgotten before each job. */
function peak(): number {
  return process.resourceUsage().maxRSS
}
