import { type Line, rendered } from '../operator/terminal/line.ts'
import type { Screen } from '../operator/terminal/table.ts'
import { UNSEEN } from '../words/printable.ts'

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

/** How wide a stream of the process is, if somebody looks at it. */
export function screenOf(stream: NodeJS.WriteStream): Screen {
  return { width: stream.isTTY ? stream.columns : undefined }
}

/**
 * Writes lines and waits until the stream took them: the one gate of all that is printed, where control characters become
 * visible. Colours as NO_COLOR, FORCE_COLOR and the terminal have it. A reader who has gone (`| head`) has seen enough: no error.
 */
export async function say(stream: NodeJS.WriteStream, lines: readonly Line[]): Promise<void> {
  if (lines.length === 0) return
  const colours = stream.isTTY && stream.hasColors(16)
  await write(stream, lines.map((line) => `${rendered(line, colours)}\n`).join(''))
}

/** Writes a value as JSON, in ASCII but for letters: what a terminal would act on is escaped. */
export async function sayJson(stream: NodeJS.WriteStream, value: unknown): Promise<void> {
  await write(stream, `${escaped(JSON.stringify(value, undefined, 2))}\n`)
}

/** Outside of its strings, JSON holds no control character but the line ends that `stringify` put there. */
function escaped(json: string): string {
  return json.replace(UNSEEN, (found) =>
    found === '\n' ? found : Array.from({ length: found.length }, (_, i) => `\\u${hex4(found.charCodeAt(i))}`).join(''),
  )
}

const hex4 = (unit: number) => unit.toString(16).padStart(4, '0')

async function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  await new Promise<void>((resolve) => {
    stream.write(text, () => resolve())
  })
}
