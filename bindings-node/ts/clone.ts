import { deserialize, serialize } from 'node:v8'
import { BursarError } from './errors.js'

/** What crosses to another thread or process: text where JSON carries it exactly, else the bytes of a clone. */
export type Packed = string | Buffer

/** With this a list as JSON text begins; a clone never does. */
const BRACKET = '['.charCodeAt(0)

/** @internal The arguments of a call, as they are now, for another thread or process. */
export function packArgs(args: readonly unknown[]): Packed {
  if (args.every(isText)) return args.length === 0 ? '' : JSON.stringify(args)
  try {
    return serialize(args)
  } catch (error) {
    throw refusal(args, error)
  }
}

/** @internal A result for another thread or process. */
export function packResult(value: unknown): Packed {
  if (isText(value)) return JSON.stringify([value])
  try {
    return serialize([value])
  } catch (error) {
    throw refused('result', error)
  }
}

/** @internal What was thrown, for another thread or process; `undefined` where it can't be cloned. */
export function packThrown(error: unknown): Buffer | undefined {
  try {
    return serialize([error])
  } catch {
    return undefined
  }
}

/** @internal The list that was packed into these bytes. */
export function unpack(bytes: Uint8Array): unknown[] {
  if (bytes.length === 0) return []
  if (bytes[0] === BRACKET) return JSON.parse(textOf(bytes)) as unknown[]
  // Arrays of numbers in it stay views of the bytes: they get a copy of their own.
  return deserialize(new Uint8Array(bytes)) as unknown[]
}

/** @internal What was packed alone. */
export function unpackOne(bytes: Uint8Array): unknown {
  return unpack(bytes)[0]
}

/** @internal The same as bytes. */
export function packedBytes(packed: Packed): Buffer {
  return typeof packed === 'string' ? Buffer.from(packed) : packed
}

/** @internal Writes it into `bytes` from `at` on; how many bytes that took, or -1 where it doesn't fit. */
export function writePacked(packed: Packed, bytes: Buffer, at: number): number {
  if (typeof packed === 'string') {
    // A character takes three bytes at most.
    return packed.length * 3 > bytes.length - at ? -1 : bytes.write(packed, at)
  }
  if (packed.length > bytes.length - at) return -1
  bytes.set(packed, at)
  return packed.length
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
}

/** Whether JSON carries the value exactly. */
function isText(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      // Node has had isWellFormed since 20, ahead of the types of the language level that we build for.
      return (value as unknown as { isWellFormed(): boolean }).isWellFormed()
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
    case 'boolean':
      return true
    default:
      return value === null
  }
}

/** Which argument it is that can't be cloned. */
function refusal(args: readonly unknown[], error: unknown): BursarError {
  for (const [index, arg] of args.entries()) {
    try {
      serialize(arg)
    } catch (error) {
      return refused(`argument ${index}`, error)
    }
  }
  return refused('arguments', error)
}

function refused(what: string, error: unknown): BursarError {
  const why = error instanceof Error ? error.message : String(error)
  const message =
    `${what} can't be sent to another thread or process: ${why}; pass what the structured clone algorithm copies, such ` +
    'as plain objects, arrays, maps, dates and typed arrays, but no functions and nothing shared or transferred'
  return new BursarError('Invalid', message, { cause: error })
}
