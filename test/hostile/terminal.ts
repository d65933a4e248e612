import type { Receipt } from '../../agent/bundle/schema.ts'
import { bareReceipt, corePiece } from '../operator/bundle/bundle.ts'
import type { Attack } from './attack.ts'

/** Texts by which a terminal is steered, and what each would do. */
const STEERING: readonly (readonly [string, string])[] = [
  ['writes to the clipboard', '\x1b]52;c;cm0gLXJmIH4=\x07'],
  ['sets the title and asks for it', '\x1b]0;owned\x07\x1b[21t'],
  ['clears the screen and says something else', '\x1b[2J\x1b[Hcomplete'],
  ['does it in eight bits', '\x9b2J\x9d52;c;eA==\x9c\x90q\x9c'],
  ['turns the order of the text', '\u202e\u2066txt.exe\u2069'],
  ['goes back in the line', 'failed\r\x1b[Kcomplete\b\b\x7f'],
  ['begins a line of its own', 'x\n\nlastgasp: complete\u2028\u2029\x0b\x0c'],
  ['is no text at all', '\ud800\0\ufeff\u200b'],
]

const receiptOf = (evil: string): Receipt =>
  bareReceipt(evil, 'failed', {
    artifact: `cores/${evil}`,
    reason: evil,
    item: {
      exe: evil,
      unit: evil,
      comm: evil,
      note: evil,
      container: evil,
      package: evil,
      signal: 11,
      pid: 1,
      path: `/x/${evil}`,
    },
    details: { source: 'live', trouble: { kind: 'blocked', comm: evil, tid: 7, wchan: evil }, missed: [evil] },
  })

export const terminal: readonly Attack[] = [
  ...STEERING.map(
    ([what, evil]): Attack => ({
      name: `every text of the bundle ${what}`,
      make: () => ({
        pieces: [
          corePiece(Buffer.from('x'), {
            item: { exe: `/bin/${evil}`, unit: evil, comm: evil, path: `/var/crash/${evil}`, signal: 11, pid: 2 },
            receipt: { reason: evil, status: 'truncated' },
          }),
        ],
        others: [receiptOf(evil)],
        manifest: {
          problems: [evil],
          recipients: [evil],
          agent: evil,
          host: { name: evil, kernel: evil, os: evil, arch: evil, bootId: evil },
          shutdown: { kind: 'poweroff', by: evil },
        },
      }),
    }),
  ),
  {
    name: 'documents that are refused say why in text',
    make: () => ({
      objects: { 'plan.json': `{"version":1,"bundle":"${STEERING.map(([, evil]) => evil).join('')}"` },
      end: 'interrupted',
    }),
  },
]
