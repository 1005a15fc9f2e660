import { Readable } from 'node:stream'
import { decode } from './codec.js'
import { BursarError, type ErrorCode, guarded } from './errors.js'
import type { NativeReader, NativeSpilled, Piece } from './native.js'

/** How much is read at a time, in bytes. */
const BLOCK = 256 * 1024

/** @internal A result that is in a file, and is read each time that somebody asks for it. */
export class InFile {
  readonly #file: NativeSpilled

  constructor(file: NativeSpilled) {
    this.#file = file
  }

  /** The value itself. */
  async read(): Promise<unknown> {
    const reader = guarded(() => this.#file.open())
    return decode(bytesOf(await reader.readWhole()).toString())
  }

  /** Its JSON text, a piece at a time. */
  open(): Readable {
    return readable(guarded(() => this.#file.open()))
  }
}

/** @internal The JSON text of a value that is at hand. */
export function textStream(text: string): Readable {
  return Readable.from([Buffer.from(text)], { objectMode: false })
}

/** @internal The bytes of a file, a piece at a time. */
export function readable(reader: NativeReader): Readable {
  return new Readable({
    highWaterMark: BLOCK,
    read() {
      const push = (piece: Piece) => {
        const bytes = bytesOf(piece)
        this.push(bytes.length === 0 ? null : bytes)
      }
      reader
        .read(BLOCK)
        .then(push)
        .catch((error) => this.destroy(error))
    },
    destroy(error, done) {
      reader.close()
      done(error)
    },
  })
}

function bytesOf({ bytes, code, message }: Piece): Buffer {
  if (bytes) return bytes
  throw new BursarError((code ?? 'Internal') as ErrorCode, message ?? 'nothing was read')
}
