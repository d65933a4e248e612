import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { readStructures } from '../../../../agent/collector/machine-memory/first/btf.ts'
import { type BlobType, btfBlob } from './btf-blob.ts'

const KERNEL = '/sys/kernel/btf/vmlinux'
const types: BlobType[] = [
  { kind: 'int' },
  { kind: 'enum', values: 3 },
  { kind: 'array', of: 1, elements: 16 },
  {
    kind: 'union',
    name: '',
    bytes: 8,
    members: [
      ['either', 1, 0],
      ['or', 1, 0],
    ],
  },
  {
    kind: 'struct',
    name: '',
    bytes: 24,
    members: [
      ['inner', 1, 0],
      ['', 4, 16],
    ],
  },
  { kind: 'struct', name: 'other', bytes: 8, members: [['list', 1, 0]] },
  {
    kind: 'struct',
    name: 'node',
    bytes: 160,
    members: [
      ['count', 1, 0],
      ['', 5, 8],
      ['slots', 3, 32],
    ],
  },
]

for (const narrow of [false, true]) {
  t.test(`members, and those of what has no name${narrow ? ', beside bit fields' : ''}`, async (t) => {
    const found = readStructures(btfBlob(types, narrow), ['node', 'absent'])
    t.strictSame([...found.keys()], ['node'])
    t.equal(found.get('node')?.bytes, 160)
    t.strictSame(
      [...(found.get('node')?.members ?? [])],
      [
        ['count', { offset: 0, elements: 1 }],
        ['inner', { offset: 8, elements: 1 }],
        ['either', { offset: 24, elements: 1 }],
        ['or', { offset: 24, elements: 1 }],
        ['slots', { offset: 32, elements: 16 }],
      ],
    )
  })
}

t.test('what is no BTF, or one of a kernel to come, is an error', async (t) => {
  t.throws(() => readStructures(Buffer.alloc(64), ['node']), { message: 'it does not begin as BTF does' })
  const newer = btfBlob([...types, { kind: 'unknown' }])
  t.throws(() => readStructures(newer, ['node']), { message: 'its type 8 is of the unknown kind 31' })
})

t.test("this kernel's own", { skip: existsSync(KERNEL) ? false : `no ${KERNEL}` }, async (t) => {
  const found = readStructures(readFileSync(KERNEL), ['list_head', 'hlist_node', 'task_struct', 'xa_node'])
  const word = (offset: number) => ({ offset, elements: 1 })
  t.strictSame(
    [...(found.get('list_head')?.members ?? [])],
    [
      ['next', word(0)],
      ['prev', word(8)],
    ],
  )
  t.equal(found.get('hlist_node')?.bytes, 16)
  t.ok((found.get('task_struct')?.members.get('pid_links')?.offset ?? 0) > 0)
  t.ok([16, 64].includes(found.get('xa_node')?.members.get('slots')?.elements ?? 0))
})
