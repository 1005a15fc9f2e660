import { findDefinition, type Handler } from './definition.js'
import { parking } from './inside.js'

/** Why the function of a task isn't there. */
export class LoadError extends Error {
  override name = 'LoadError'

  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    // Where we noticed is of no interest; where the module failed is.
    this.stack = `LoadError: ${message}\n${cause instanceof Error ? cause.stack : ''}`.trimEnd()
  }
}

/**
 * @internal The function of a task: that of the definition that its module makes when it is imported.
 *
 * @throws LoadError Where the module can't be imported, or declares no such task.
 */
export async function loadHandler(name: string, module: string | undefined): Promise<Handler> {
  const parked = parking().then(() => true)
  let ran: boolean | undefined
  try {
    const loaded = module === undefined ? undefined : import(module).then(() => false)
    ran = await Promise.race([parked, loaded])
  } catch (error) {
    throw notLoaded(name, module, error)
  }
  const definition = findDefinition(name)
  if (definition) return definition.handler
  throw new LoadError(notDeclared(name, module, ran === true))
}

function notLoaded(name: string, module: string | undefined, error: unknown): LoadError {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  const message =
    `the module of task ${JSON.stringify(name)}, ${module}, could not be loaded in a worker: ${what}; ` +
    'what a worker is to import must load without the rest of the program'
  return new LoadError(message, error)
}

function notDeclared(name: string, module: string | undefined, parked: boolean): string {
  const where = `task ${JSON.stringify(name)} was not declared when ${module} was loaded in a worker`
  return parked
    ? `${where} up to the line that opens an engine, which is where a worker stops: declare it above that`
    : `${where}: declare it at the top level of that module, under this name and on no condition`
}
