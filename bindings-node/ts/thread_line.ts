import { type NativeWorker, native } from './native.js'
import { NativeLine } from './native_line.js'

/** @internal The line of a worker thread: it shares the engine's memory, and no message is sent at all. */
export class ThreadLine extends NativeLine {
  readonly #native: NativeWorker

  /** `wake` is called on this thread's loop. */
  constructor(key: number, wake: () => void) {
    const worker = new native.NativeWorker(key, wake)
    super(worker, worker.live)
    this.#native = worker
  }

  protected exchange(numbers: Int32Array, bytes: Uint8Array): void {
    native.workerExchange(numbers, bytes)
  }

  /** The heap is that of the thread, whoever fills it. */
  loads(): void {}

  loaded(): void {}

  acquit(): void {
    this.#native.acquit()
  }

  /** Whoever started the thread hears of it from Node. */
  blame(): void {}
}
