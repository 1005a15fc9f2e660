import { randomUUID } from 'node:crypto'
import { BursarError } from './errors.js'

/** Deeper values are refused: other languages' readers give up not far beyond. */
const DEEPEST = 500

/**
 * Stands before the digits of a number that `JSON` itself would round, in a text of its own. Nobody
 * else knows it, so no other text begins with it.
 */
const MARK = `${randomUUID()}:`
const MARKED = new RegExp(`"${MARK}([^"]+)"`, 'g')

/** So many digits may be too many for a number. */
const MANY_DIGITS = /\d{16}/
/** A text, or a number: whatever of JSON may hold digits. */
const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const INTEGER = /^-?\d{16,}$/

/** A place inside a value, from the inside out. */
interface Place {
  readonly outer: Place | undefined
  readonly key: string
  readonly value: object
}

/**
 * @internal The value as JSON text. What JSON would drop or change without saying is refused.
 * `what` names the value in the error.
 */
export function encode(value: unknown, what: string): string {
  const text = JSON.stringify(plain(value, '', undefined, what, 0)) ?? 'null'
  return text.includes(MARK) ? text.replace(MARKED, '$1') : text
}

/**
 * @internal The arguments as the text of a JSON array. Trailing `undefined` is left out: an
 * argument that isn't there reads the same.
 */
export function encodeArgs(args: readonly unknown[]): string {
  let length = args.length
  while (length > 0 && args[length - 1] === undefined) length -= 1
  const encoded: string[] = []
  for (let index = 0; index < length; index += 1) {
    if (args[index] === undefined) throw refusal('undefined', `argument ${index}`, '', undefined)
    encoded.push(encode(args[index], `argument ${index}`))
  }
  return `[${encoded.join(',')}]`
}

/**
 * @internal The value that JSON text stands for. An integer beyond what a number holds exactly is a
 * `bigint`: other languages' integers have 64 bits, and none of them is rounded.
 */
export function decode(text: string): unknown {
  if (!MANY_DIGITS.test(text)) return JSON.parse(text)
  const marked = text.replace(TEXT_OR_NUMBER, (token) => (isLarge(token) ? `"${MARK}${token}"` : token))
  return JSON.parse(marked, (_, value) => {
    if (typeof value !== 'string' || !value.startsWith(MARK)) return value
    return BigInt(value.slice(MARK.length))
  })
}

function isLarge(token: string): boolean {
  return INTEGER.test(token) && !Number.isSafeInteger(Number(token))
}

/** A copy of the value that holds only what JSON carries as it is. */
function plain(value: unknown, key: string, outer: Place | undefined, what: string, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return wellFormed(value, what, key, outer)
    case 'number':
      if (Number.isFinite(value)) return plainNumber(value)
      throw refusal(String(value), what, key, outer)
    case 'bigint':
      return `${MARK}${value}`
    case 'boolean':
      return value
    case 'undefined':
      return undefined
    case 'object':
      return value === null ? null : plainObject(value, key, outer, what, depth)
    default:
      throw refusal(`a ${typeof value}`, what, key, outer)
  }
}

/**
 * Beyond the safe integers `JSON` writes digits that the number doesn't have, and as an integer, which is
 * read as a `bigint`. With an exponent it stays what it is.
 */
function plainNumber(value: number): number | string {
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return value
  return `${MARK}${value.toExponential()}`
}

function plainObject(
  value: object,
  key: string,
  outer: Place | undefined,
  what: string,
  depth: number,
): unknown {
  if (depth > DEEPEST) throw refusal(`nested more than ${DEEPEST} levels deep`, what, '', undefined)
  for (let place = outer; place; place = place.outer) {
    if (place.value === value) throw refusal('a value that contains itself', what, key, outer)
  }
  const toJSON = (value as { toJSON?: unknown }).toJSON
  const place = { outer, key, value }
  if (typeof toJSON === 'function') {
    return plain(toJSON.call(value, key), '', place, what, depth + 1)
  }
  return Array.isArray(value)
    ? plainArray(value, place, what, depth)
    : plainRecord(value as Record<string, unknown>, place, what, depth)
}

function plainArray(value: readonly unknown[], place: Place, what: string, depth: number): unknown[] {
  const copy: unknown[] = []
  for (let index = 0; index < value.length; index += 1) {
    const key = `[${index}]`
    if (value[index] === undefined) throw refusal('undefined', what, key, place)
    copy.push(plain(value[index], key, place, what, depth + 1))
  }
  return copy
}

function plainRecord(value: Record<string, unknown>, place: Place, what: string, depth: number): unknown {
  const prototype = Object.getPrototypeOf(value)
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null
  if (!isPlain) throw refusal(`an instance of ${className(prototype)}`, what, place.key, place.outer)
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw refusal('an object with symbols as keys', what, place.key, place.outer)
  }
  const copy: Record<string, unknown> = Object.create(null)
  for (const name of Object.keys(value)) {
    wellFormed(name, what, `.${name}`, place)
    copy[name] = plain(value[name], `.${name}`, place, what, depth + 1)
  }
  return copy
}

function wellFormed(text: string, what: string, key: string, outer: Place | undefined): string {
  // Node has had isWellFormed since 20, ahead of the types of the language level that we build for.
  if ((text as unknown as { isWellFormed(): boolean }).isWellFormed()) return text
  throw refusal('text with half a surrogate pair', what, key, outer)
}

function className(prototype: object): string {
  const name = (prototype as { constructor?: { name?: unknown } }).constructor?.name
  return typeof name === 'string' && name !== '' ? name : 'a class'
}

function refusal(shown: string, what: string, key: string, outer: Place | undefined): BursarError {
  let path = key
  for (let place = outer; place; place = place.outer) path = place.key + path
  const message =
    `${what}${path}: JSON can't carry ${shown}; ` +
    'pass something it can, such as text, numbers, arrays and plain objects, or give it a toJSON method'
  return new BursarError('Invalid', message)
}
