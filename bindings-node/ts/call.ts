/** Arguments that are not exactly one. */
class List {
  readonly values: readonly unknown[]

  constructor(values: readonly unknown[]) {
    this.values = values
  }
}

const nothing = new List([])

/**
 * @internal The arguments of a call while it waits: most calls have one, which is kept as it is. What
 * waits survives for long enough to be copied by the collector, so two objects fewer are worth it.
 */
export type Args = unknown

/** @internal The arguments in this list, which may be changed afterwards. */
export function argsOf(list: readonly unknown[]): Args {
  if (list.length === 1) return list[0]
  return list.length === 0 ? nothing : new List([...list])
}

/** @internal The list of these arguments. */
export function listOf(args: Args): unknown[] {
  return args instanceof List ? [...args.values] : [args]
}

/** @internal Calls a function with these arguments. */
export function call(work: (...args: unknown[]) => unknown, args: Args): unknown {
  return args instanceof List ? work(...args.values) : work(args)
}

/** @internal The arguments of many calls. Reading them may run code of the program. */
export function readCalls(calls: Iterable<readonly unknown[]>): Args[] {
  const all: Args[] = []
  for (const call of calls) all.push(argsOf(call))
  return all
}
