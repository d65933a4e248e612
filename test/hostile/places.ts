import { buffer } from 'node:stream/consumers'
import { pack } from 'tar-stream'
import { corePiece, factsPiece, type Piece, tarPiece } from '../operator/bundle/bundle.ts'
import type { Attack } from './attack.ts'

/** Files that make a directory one of git's, whose configuration names a program to run (githooks(5), core.fsmonitor). */
const repository = (command: string): Readonly<Record<string, string>> => ({
  HEAD: 'ref: refs/heads/main\n',
  config: `[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n\tfsmonitor = "${command};"\n`,
  'objects/info/x': '',
  'refs/heads/x': '',
  'hooks/post-checkout': `#!/bin/sh\n${command}\n`,
})

/** Files that programs heed where they are started. */
const heeded = (command: string): Readonly<Record<string, string>> => ({
  '.envrc': command,
  '.gdbinit': `shell ${command}\n`,
  '.crashrc': `!${command}\n`,
  '.bashrc': command,
  Makefile: `all:\n\t${command}\n`,
  'package.json': `{"scripts":{"preinstall":"${command}"}}`,
  'drgn.py': `import os\nos.system("${command}")\n`,
  'sitecustomize.py': `import os\nos.system("${command}")\n`,
  'facts/os.py': `import os\nos.system("${command}")\n`,
})

const stored = (files: Readonly<Record<string, string>>, place: (name: string) => Partial<Piece>): readonly Piece[] =>
  Object.entries(files).map(([name, text]): Piece => {
    const plain = { artifact: name, source: 'files', content: Buffer.from(text), encoding: 'as-is' } as const
    return { ...plain, ...place(name) }
  })

const named = (names: readonly string[]): readonly Piece[] =>
  names.map((artifact, n) => ({
    ...corePiece(Buffer.from(`evidence ${n}`), { artifact: `cores/${n}.core`, item: {} }),
    receipt: { artifact },
  }))

const tar = async (entries: (to: ReturnType<typeof pack>) => void): Promise<Piece> => {
  const to = pack()
  entries(to)
  to.finalize()
  return tarPiece(await buffer(to))
}

export const places: readonly Attack[] = [
  {
    name: 'objects that make the target a repository of git',
    make: ({ command }) => ({ objects: repository(command) }),
  },
  { name: 'artifacts that do', make: ({ command }) => ({ pieces: stored(repository(command), () => ({})) }) },
  {
    name: 'files of the host that make its root one',
    make: ({ command }) => ({
      pieces: ['/', '/.git/'].flatMap((folder) =>
        stored(repository(command), (name) => ({ artifact: `files${folder}${name}`, item: { path: folder + name } })),
      ),
    }),
  },
  {
    name: 'facts that make theirs one',
    make: async ({ command }) => ({ pieces: [await factsPiece({ ...repository(command), ...heeded(command) })] }),
  },
  { name: 'objects that programs heed where they start', make: ({ command }) => ({ objects: heeded(command) }) },
  {
    name: 'files of the host that programs heed',
    make: ({ command }) => ({
      pieces: stored(heeded(command), (name) => ({ artifact: `files/${name}`, item: { path: `/${name}` } })),
    }),
  },
  {
    name: 'artifacts with the names of what is ours',
    make: () => ({
      pieces: named([
        'manifest.json',
        'plan.json/x',
        'opening.json/x/y',
        '.lastgasp-bundle',
        'facts',
        'root',
        'other/0/x',
        'manifest.json.part',
        'memory',
        'stacks.tar',
        'live',
      ]),
    }),
  },
  {
    name: 'artifacts that lead elsewhere',
    make: () => ({
      pieces: named([
        '../evil',
        '/evil',
        'a/../../evil',
        './evil',
        'a//evil',
        'a/.',
        '..',
        'a\\..\\evil',
        'a\0b',
        `a/${'x'.repeat(300)}`,
        Array.from({ length: 900 }, () => 'd').join('/'),
      ]),
    }),
  },
  {
    name: 'paths of the host that lead elsewhere',
    make: () => ({
      pieces: [
        '/../../../evil',
        '/var/../../../evil',
        'evil',
        '/',
        '//evil',
        '/a\0b',
        '/proc/self/root/evil',
        `/${'x'.repeat(300)}`,
        '/~/.ssh/authorized_keys',
      ].map((path, n) => corePiece(Buffer.from('evil'), { artifact: `cores/${n}.core`, item: { path } })),
    }),
  },
  {
    name: 'one artifact is the directory of the other',
    make: () => ({
      pieces: named(['cores/a', 'cores/a/b', 'cores/a/b/c', 'cores/A', 'cores/a.part', 'cores/a.zst.part']),
    }),
  },
  {
    name: 'a tar that leads elsewhere',
    make: async () => ({
      pieces: [
        await tar((to) => {
          for (const name of ['../evil', '/evil', 'a/../../evil', '.git/config', '.hidden', 'a/.b/c', 'x\ny', '-rf'])
            to.entry({ name }, 'x')
          to.entry({ name: 'link', type: 'symlink', linkname: '../../..' })
          to.entry({ name: 'link/evil' }, 'x')
          to.entry({ name: 'hard', type: 'link', linkname: '../opening.json' })
          to.entry({ name: 'null', type: 'character-device' })
          to.entry({ name: 'pipe', type: 'fifo' })
          to.entry({ name: 'summary.txt' }, 'x')
          to.entry({ name: 'summary.txt/below' }, 'x')
        }),
      ],
    }),
  },
]
