import { BursarError, guarded } from './errors.js'
import { checkOptions } from './given.js'
import { checkModule, noModule } from './module.js'
import { native, type Pairs } from './native.js'

/** @internal A function that a task wraps. */
export type Handler = (...args: unknown[]) => unknown

/** @internal Gives the unique key of a call. */
export type KeyOf = (args: readonly unknown[]) => string

type Options = Record<string, unknown>

/** What options of a task look like. */
const EXAMPLE = "{ memory: '64MB' }"

/** @internal A task, or one with other options, before any engine knows it. */
export interface Definition {
  readonly name: string
  readonly handler: Handler
  /** The options that the engine checks and keeps. */
  readonly options: Pairs
  /** The unique key of a call, where it depends on the arguments. */
  readonly keyOf: KeyOf | undefined
  /** The URL of the module that declares it, where workers are to find it. */
  readonly module: string | undefined
  /** Whether its jobs run elsewhere than on this loop: then arguments and results are copied. */
  readonly isolated: boolean
  /** The task itself, where this is one with other options. */
  readonly base: Definition | undefined
}

/** @internal A task that only others know. */
export interface Elsewhere {
  readonly name: string
  readonly handler: undefined
  readonly keyOf: undefined
  readonly isolated: false
}

/** The task that was defined last under each name. */
const defined = new Map<string, Definition>()

/** @internal The task that was defined last under this name. */
export function findDefinition(name: string): Definition | undefined {
  return defined.get(name)
}

/** Who wants to know of every task. */
const listeners = new Set<(definition: Definition) => void>()

/** @internal Tells `listener` of every task that is defined, and of those to come; gives what ends that. */
export function attendDefinitions(listener: (definition: Definition) => void): () => void {
  listeners.add(listener)
  for (const definition of defined.values()) listener(definition)
  return () => listeners.delete(listener)
}

/** @internal Defines a task. */
export function define(name: string, options: Options, handler: Handler): Definition {
  checkOptions(options, EXAMPLE)
  const { module: where, ...rest } = options
  const { pairs, keyOf } = split(rest)
  guarded(() => native.checkTask(name, pairs))
  const module = checkModule(name, where)
  const isolated = isIsolated(name, pairs, module)
  const definition = { name, handler, options: pairs, keyOf, module, isolated, base: undefined }
  defined.set(name, definition)
  for (const listener of listeners) listener(definition)
  return definition
}

/** @internal The same task with other options over its own. */
export function refine(definition: Definition, options: Options): Definition {
  checkOptions(options, EXAMPLE)
  const { pairs, keyOf } = split(options)
  guarded(() => native.checkOptions(pairs))
  const own = definition.base ? definition.options : []
  const base = definition.base ?? definition
  const { name, handler, module } = definition
  return {
    name,
    handler,
    options: [...own, ...pairs],
    keyOf: keyOf ?? definition.keyOf,
    module,
    isolated: isIsolated(name, [...base.options, ...own, ...pairs], module),
    base,
  }
}

/** Whether jobs with these options, of which the last ones count, run elsewhere than on this loop. */
function isIsolated(name: string, pairs: Pairs, module: string | undefined): boolean {
  const given = pairs.filter(([option, value]) => option === 'executor' && value != null)
  const executor = given.at(-1)?.[1] ?? 'async'
  if (executor !== 'thread' && executor !== 'process') return false
  if (module === undefined) throw noModule(name, String(executor))
  return true
}

/** What the engine is told of the options, and what is done here. */
function split(options: Options): { pairs: Pairs; keyOf: KeyOf | undefined } {
  const { unique, ...rest } = options
  return { pairs: Object.entries(rest), keyOf: unique == null ? undefined : keyFunction(unique) }
}

function keyFunction(unique: unknown): KeyOf {
  if (typeof unique === 'function') return (args) => checkKey(unique(...args))
  if (typeof unique === 'string' && /[{}]/.test(unique)) return template(unique)
  // The engine checks the key of each call; one that never changes is checked here and now.
  guarded(() => native.checkOptions([['unique', unique]]))
  return () => unique as string
}

function checkKey(key: unknown): string {
  if (typeof key === 'string') return key
  throw new BursarError('Invalid', `unique: the function gave ${show(key)}: expected text`)
}

/** A key in which `{0}` stands for the first argument. */
function template(text: string): KeyOf {
  const rest = text.replace(/\{\d+\}/g, '')
  if (/[{}]/.test(rest)) {
    const message =
      `unique=${show(text)}: only {0}, {1} and so on, the places of arguments, may stand in braces; ` +
      'use a function of the arguments for anything else'
    throw new BursarError('Invalid', message)
  }
  return (args) => text.replace(/\{(\d+)\}/g, (_, place) => keyPart(text, args, Number(place)))
}

function keyPart(text: string, args: readonly unknown[], place: number): string {
  const value = args[place]
  if (['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return String(value)
  const message =
    `unique=${show(text)}: argument ${place} is ${value === undefined ? 'missing' : `a ${typeof value}`}; ` +
    'a key is made of text, numbers and booleans; use a function of the arguments for anything else'
  throw new BursarError('Invalid', message)
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : `a ${typeof value}`
}
