import { Readable } from 'node:stream'
import { decode } from './codec.js'
import { BursarError, type ErrorCode } from './errors.js'
import type { NativeReader, NativeSpilled, Opened, Piece, Refusal } from './native.js'

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
    const reader = readerOf(await this.#file.open())
    return decode(bytesOf(await reader.readWhole()).toString())
  }

  /** Its JSON text, a piece at a time. */
  async open(): Promise<Readable> {
    return readable(await this.#file.open())
  }
}

/** @internal The JSON text of a value that is at hand. */
export function textStream(text: string): Readable {
  return Readable.from([Buffer.from(text)], { objectMode: false })
}

/** @internal The bytes of a file that was opened, a piece at a time. */
export function readable(opened: Opened): Readable {
  const reader = readerOf(opened)
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

function readerOf({ reader, ...refusal }: Opened): NativeReader {
  if (reader) return reader
  throw refused(refusal)
}

function bytesOf({ bytes, ...refusal }: Piece): Buffer {
  if (bytes) return bytes
  throw refused(refusal)
}

function refused({ code, message }: Refusal): BursarError {
  return new BursarError((code ?? 'Internal') as ErrorCode, message ?? 'nothing was read')
}
