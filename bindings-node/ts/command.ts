import { BursarError } from './errors.js'
import { checkOptions } from './given.js'
import type { NativeProgram, Pairs } from './native.js'
import type { TaskOptions } from './options.js'

/** What a command may be given, and the options of its job. */
export interface CommandOptions extends Omit<TaskOptions, 'unique' | 'executor'> {
  /** The folder it runs in; default the worker's own. */
  cwd?: string | URL | null
  /**
   * Variables besides `PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL`, `LANG`, `LC_*`, `TZ` and `TMPDIR`, which
   * alone it has otherwise: with a value, or `null` for the worker's own.
   */
  env?: Record<string, string | null> | null
  /** What it reads from its standard input; default nothing. */
  stdin?: string | Uint8Array | null
  /** A key that only one unfinished job may have: a command meanwhile gives that job. */
  unique?: string | null
}

/** What a program gave that ended well. */
export interface CommandOutput {
  /** 0: any other is a failure of the job. */
  code: number
  /** What it wrote to its standard output; bytes that are no text in UTF-8 stand there as U+FFFD. */
  stdout: string
  /** What it wrote to its standard error. */
  stderr: string
  /**
   * Those of `stdout` and `stderr` that are over 10 MB: here stands their first 1 KiB, and the job's
   * `openOutput` reads all of them.
   */
  cut: ('stdout' | 'stderr')[]
}

/** @internal A program as the native half takes it, and the options of its job. */
export function programOf(argv: unknown, options: CommandOptions): [NativeProgram, Pairs] {
  const given = options ?? {}
  checkOptions(given, "{ timeout: '10s' }")
  const { cwd, env, stdin, ...rest } = given
  return [
    {
      argv: argumentsOf(argv),
      cwd: cwd == null ? undefined : text('cwd', cwd instanceof URL ? pathOf(cwd) : cwd),
      env: Object.entries(env ?? {}).map(([name, value]) => [name, variable(name, value)]),
      stdin: stdin == null ? undefined : bytesOf(stdin),
    },
    Object.entries(rest),
  ]
}

function argumentsOf(argv: unknown): string[] {
  if (typeof argv === 'string') {
    const message = `the command ${JSON.stringify(argv)} is one text: give an array, such as ['ls', '-l']; no shell would split it`
    throw new BursarError('Invalid', message)
  }
  if (!Array.isArray(argv))
    throw new BursarError('Invalid', `a command is an array of text: ${typeof argv} was given`)
  return argv.map((each, index) => text(`argument ${index} of the command`, each))
}

function variable(name: string, value: unknown): string | undefined {
  return value == null ? undefined : text(`the environment variable ${name}`, value)
}

function pathOf(url: URL): string {
  if (url.protocol === 'file:') return decodeURIComponent(url.pathname)
  throw new BursarError('Invalid', `cwd is ${url}: only a file: URL is a folder`)
}

function bytesOf(stdin: unknown): Uint8Array {
  if (typeof stdin === 'string') return new TextEncoder().encode(stdin)
  if (stdin instanceof Uint8Array) return stdin
  throw new BursarError('Invalid', `stdin is text or bytes, not a ${typeof stdin}`)
}

function text(what: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new BursarError('Invalid', `${what} must be text: a ${typeof value} was given`)
}
