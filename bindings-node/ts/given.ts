// What a program may have given by mistake: types don't reach who writes JavaScript.
import { BursarError } from './errors.js'

/** @internal What kind of value this is, in words. */
export function kindOf(value: unknown): string {
  if (value == null) return String(value)
  const kind = Array.isArray(value) ? 'array' : typeof value
  return `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`
}

/**
 * @internal Refuses options that are no object, which would be taken for none at all, and names that are not
 * among the `known` ones. Without these, who takes the options checks the names.
 */
export function checkOptions(given: unknown, example: string, known?: readonly string[]): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new BursarError(
      'Invalid',
      `options must be an object such as ${example}: ${kindOf(given)} was given`,
    )
  }
  if (given instanceof AbortSignal) {
    throw new BursarError(
      'Invalid',
      'options must be an object such as { signal }: a signal itself was given',
    )
  }
  if (known) refuseUnknown(given, known)
}

function refuseUnknown(given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const message = `unknown option ${JSON.stringify(unknown)}: the options are ${known.join(', ')}`
  throw new BursarError('Invalid', message)
}

/** @internal Refuses what is no signal: nobody could wait for its abort. */
export function checkSignal(signal: unknown): void {
  if (signal == null || typeof (signal as AbortSignal).addEventListener === 'function') return
  throw new BursarError(
    'Invalid',
    `signal must be an AbortSignal, such as controller.signal: ${kindOf(signal)} was given`,
  )
}

/** @internal Refuses what is no URL of a store: options alone are one argument too few. */
export function checkUrl(url: unknown): void {
  if (url == null || typeof url === 'string') return
  const hint = typeof url === 'object' ? '; options are the second argument' : ''
  throw new BursarError(
    'Invalid',
    `url must be text such as "sqlite:jobs.db": ${kindOf(url)} was given${hint}`,
  )
}
