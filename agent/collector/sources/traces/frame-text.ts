import { basename } from 'node:path'
import { shownName } from '../../../words/host-name.ts'
import { printable } from '../../../words/printable.ts'
import type { NamedFrame, StackEnd } from '../../unwind/frame.ts'
import { MOST_FRAMES } from '../../unwind/unwind.ts'

/** Characters of a function's name that a person reads: templates have names of pages. The JSON has all of it. */
const NAME = 200

export const hex = (address: number): string => `0x${Math.max(0, address).toString(16)}`

/** `#0  0x00007f2a4c0891f5 futex_wait+0x2a (libc.so.6)`; where nothing names it, its place in the file. */
export function frameText(frame: NamedFrame, index: number): string {
  const { pc, kind, module, name, address } = frame
  const number = `#${index}`.padEnd(4)
  if (kind === 'signal') return `${number} <signal handler called>`
  const at = `0x${pc.toString(16).padStart(16, '0')}`
  const file = module && basename(shownName(module.path))
  const inFile = file === undefined ? '' : ` (${file}${name === undefined ? `+${hex(address ?? 0)}` : ''})`
  const told = name === undefined ? '??' : `${cut(name.function)}+${hex(name.offset)}`
  return printable(`${number} ${at} ${told}${inFile}`)
}

/** What a reader must know of how a stack ends; nothing of one that is whole. */
export function endText({ why, address }: StackEnd): string | undefined {
  const at = address === undefined ? '' : ` at ${hex(address)}`
  switch (why) {
    case 'outermost':
      return undefined
    case 'limit':
      return `(it goes on: no more than ${MOST_FRAMES} frames are told)`
    case 'not-growing':
      return '(it ends here: what follows leads back)'
    case 'unreadable':
      return `(it ends here: the stack${at} was not kept)`
    case 'lost':
      return `(it ends here: nothing tells who called the code${at})`
  }
}

const cut = (name: string) => (name.length <= NAME ? name : `${name.slice(0, NAME - 1)}…`)
