import { PROGRAM } from './inside.js'

/** The title of a process is written over its arguments: so much room there is for one at least. */
const ROOM = 160

const LIVE = 'live'
const ENCODED = 'encoded'

/** Options of Node's that are not for processes of ours; those that take a value of their own. */
const OTHERS = /^(-[eipc]+$|--(eval|print|interactive|check|inspect|debug|input-type|test|watch|title)\b)/
const VALUED =
  /^(-p?e|-p|--eval|--print|--input-type|--inspect-port|--test-\S+|--watch-path|--watch-kill-signal|--title)$/

/** @internal The program of a process that runs jobs, and its arguments. */
export function launchArgs(live: boolean): string[] {
  const [program, , ...own] = process.argv as [string, ...string[]]
  // The last one is taken off before anything of the application runs.
  return [program, ...inherited(process.execArgv), PROGRAM, ...own, (live ? LIVE : ENCODED).padEnd(ROOM)]
}

/** @internal Names and values of the variables of this process. */
export function launchEnv(): [string, string][] {
  return Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
}

/** @internal What the last argument says. */
export function isLive(last: string | undefined): boolean {
  return last?.trim() === LIVE
}

/** What of the options of this process is for others, too: loaders and limits are, what to run isn't. */
export function inherited(options: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at < options.length; at += 1) {
    const option = options[at] as string
    if (!OTHERS.test(option)) kept.push(option)
    else if (VALUED.test(option)) at += 1
  }
  return kept
}
