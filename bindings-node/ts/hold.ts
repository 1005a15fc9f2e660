/** The longest period that a timer takes. */
const LONGEST = 2 ** 31 - 1

/** What keeps the process alive: one timer, referenced exactly while there is a reason. */
let anchor: NodeJS.Timeout | undefined
let reasons = 0

/** @internal Keeps the process alive until {@link release}. */
export function hold(): void {
  reasons += 1
  if (reasons > 1) return
  anchor ??= setInterval(() => {}, LONGEST)
  anchor.ref()
}

/** @internal One reason less to stay alive. */
export function release(): void {
  reasons -= 1
  if (reasons === 0) anchor?.unref()
}
