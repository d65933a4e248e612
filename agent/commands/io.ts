import type { Screen } from '../operator/table.ts'

/** How a command ends: the exit codes of the program. */
export const EXIT = { done: 0, failed: 1, usage: 2, nothing: 3, incomplete: 4 } as const
export type Exit = (typeof EXIT)[keyof typeof EXIT]

/** Where a command reads and writes, and what ends it. `process` has these. */
export interface Io {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

/** An error that ends the program with another code than 1. */
export class Ending extends Error {
  readonly exit: Exit
  constructor(exit: Exit, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Ending'
    this.exit = exit
  }
}

/** How a stream of the process shows text. Colours as NO_COLOR, FORCE_COLOR and the terminal have it. */
export function screenOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Screen {
  const colours = stream.isTTY ? stream.hasColors(16, env) : false
  return { width: stream.isTTY ? stream.columns : undefined, colours }
}

/** Writes lines and waits until the stream took them. A reader who has gone (`| head`) has seen enough: no error. */
export async function say(stream: NodeJS.WriteStream, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return
  await new Promise<void>((resolve) => {
    stream.write(`${lines.join('\n')}\n`, () => resolve())
  })
}

/** Writes a value as JSON. */
export async function sayJson(stream: NodeJS.WriteStream, value: unknown): Promise<void> {
  await say(stream, [JSON.stringify(value, undefined, 2)])
}
