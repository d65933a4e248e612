import type { Receipt } from '../../agent/bundle/schema.ts'
import { corePiece, factsPiece, journalPiece, type Piece, tarOf } from '../operator/bundle/bundle.ts'
import { type Attack, forged, type Hostile } from './attack.ts'
import { ownedCore, ownedExecutable, vmcore } from './programs.ts'

/** What a shell, gdb, or a program that takes options would obey, around a command. */
const obeyed = (command: string): readonly string[] => [
  `--eval-command=shell ${command}`,
  `-ex=shell ${command}`,
  `--command=${command}`,
  `/bin/x\nshell ${command}\n`,
  `/bin/$(${command})`,
  `/bin/\`${command}\``,
  `/bin/';${command};'`,
  `/bin/x" -ex "shell ${command}`,
  `/bin/x\\'; ${command} #`,
  `|${command}`,
  `!${command}`,
]

const crash = (item: Receipt['item'], n: number): Piece => {
  const at = { path: `/var/crash/core.${n}`, signal: 11, pid: n + 1, at: 1760238000000 + n }
  return corePiece(Buffer.from('\x7fELF no core'), { artifact: `cores/${n}.core`, item: { ...at, ...item } })
}

/** One bundle in which each hostile text stands in the same place. */
const inEach = (place: (text: string, n: number) => Piece) => (target: { command: string }) => ({
  pieces: obeyed(target.command).map(place),
})

const told: Attack[] = [
  { name: 'the program of a crash is an option, or a command', make: inEach((exe, n) => crash({ exe }, n)) },
  {
    name: 'only one, with the program that is an option of gdb',
    make: ({ command }) => ({ pieces: [crash({ exe: `--eval-command=shell ${command}` }, 0)] }),
  },
  {
    name: 'the path of a core is an option, or a command',
    make: inEach((text, n) => crash({ path: `/var/crash/${text.replaceAll('/', '_')}`, exe: '/bin/true' }, n)),
  },
  { name: 'the path of a core begins with a dash', make: inEach((text, n) => crash({ path: text }, n)) },
  { name: 'the name of a process is an option, or a command', make: inEach((comm, n) => crash({ comm }, n)) },
  {
    name: 'the unit is an option, or a command',
    make: async ({ command }) => ({
      pieces: [await journalPiece(), ...obeyed(command).map((unit, n) => crash({ unit, exe: '/bin/true' }, n))],
    }),
  },
  {
    name: 'the name of an artifact is an option, or a command',
    make: ({ command }) => ({
      pieces: obeyed(command).flatMap((text, n) =>
        ['cores', 'live'].map((source): Piece => {
          const artifact = `${source}/${n}${text.replaceAll('/', '_')}.core`
          const plain = { ...crash({ path: undefined, exe: '/bin/true' }, n), artifact: `${source}/${n}.core`, source }
          return { ...plain, receipt: { artifact } }
        }),
      ),
    }),
  },
  {
    name: 'a compressed core that is an option of its decompressor',
    make: ({ command }) => ({
      pieces: ['--output-dir-flat=.zst', `-ex=${command}.xz`.replaceAll('/', '_'), '--rm.lz4', '-c.zst'].map(
        (name, n) => crash({ path: `/var/lib/systemd/coredump/${name}`, exe: '/bin/true' }, n),
      ),
    }),
  },
]

const scripts: Attack[] = [
  {
    name: 'a script for gdb beside a living core, from the host',
    make: (target) => ({
      pieces: [ownedCore('live/app.1.core', target)],
      objects: Object.fromEntries(
        [
          'live/app.1.core.gdb',
          'live/app.1.gdb',
          'open/app.1.gdb',
          'live/app.1.core-gdb.gdb',
          '.gdbinit',
          'gdbinit',
        ].map((name) => [name, `shell ${target.command}\n`]),
      ),
    }),
  },
  {
    name: 'the table of stacks has lines for gdb',
    make: async (target): Promise<Hostile> => {
      const { command } = target
      const core = ownedCore('stacks.tar', target)
      const rows = obeyed(command).map((text, n) => `cores/${n}.core\t${text.replaceAll('\n', '\\n')}\t${n}\n`)
      const files = {
        'cores.tsv': `core\texe\tpid\n${rows.join('')}`,
        'threads.txt': `app[0]\n  0 app D shell ${command}\n`,
        ...Object.fromEntries(rows.map((_, n) => [`cores/${n}.core`, core.content])),
      }
      return { pieces: [{ ...core, content: await tarOf(files), source: 'stacks', item: {} }] }
    },
  },
  {
    name: 'the snapshot tells Python how to read its script',
    make: ({ command }) => {
      // UTF-7, in which the line end and the quotes are letters: what Python takes for a comment becomes code.
      const code = `import os;os.system("${command}")`
      const utf7 = `coding=utf_7 +AAo-${code.replaceAll('"', '+ACI-').replaceAll('=', '+AD0-')}`
      return { pieces: [vmcore('6.12.0', { source: 'memory', scope: utf7 })], manifest: { agent: utf7 } }
    },
  },
  {
    name: 'the release of the kernel is a command',
    make: ({ command }) => ({ pieces: [vmcore(`6.12 coding=utf_7;${command}`)] }),
  },
  {
    name: 'the release of the kernel is a command of a shell',
    make: ({ command }) => ({ pieces: [vmcore(`6.1$(${command})`)] }),
  },
  {
    name: 'the program of the bundle brings scripts for gdb',
    make: (target) => {
      const { command, operators } = target
      const python = `import gdb\ngdb.execute("shell ${command}")\n`
      const beside = ['-gdb.py', '-gdb.gdb', '-gdb.scm'].map((suffix): Piece => {
        const path = `${operators}/app${suffix}`
        return {
          ...corePiece(Buffer.from(suffix === '-gdb.gdb' ? `shell ${command}\n` : python)),
          artifact: `executables/app${suffix}`,
          source: 'executables',
          item: { path },
        }
      })
      return { pieces: [ownedCore('live/app.1.core', target), ownedExecutable(target), ...beside] }
    },
  },
  {
    name: 'a core names a FIFO of the operator’s',
    make: (target) => {
      const core = ownedCore('cores/app.2.core', target)
      const item = { ...core.item, path: '/var/crash/core.2', signal: 6, pid: 2, at: 1760238000000 }
      return { pieces: [ownedCore('live/app.1.core', target), { ...core, source: 'cores', item }] }
    },
  },
  {
    name: 'frames that are a core for nobody',
    make: () => ({
      pieces: [
        forged('memory/vmcore.zst', 'memory', Buffer.from('\x7fELF')),
        forged('live/x.core.zst', 'live', Buffer.alloc(100)),
      ],
    }),
  },
  {
    name: 'facts bring configuration for what reads them',
    make: async ({ command }) => ({
      pieces: [
        await factsPiece({
          'summary.txt': 'x',
          '.lesskey': `#env\nLESSOPEN=|${command}`,
          '.git/config': `[core]\nfsmonitor = ${command}\n`,
          HEAD: 'ref: refs/heads/main\n',
        }),
      ],
    }),
  },
]

export const commands: readonly Attack[] = [...told, ...scripts]
