import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { type Header, pack } from 'tar-stream'
import { frames } from '../../../agent/frames/encode.ts'
import { Allowance } from '../../../agent/operator/fetch/allowance.ts'
import { FreeSpace } from '../../../agent/operator/fetch/free-space.ts'
import { tarEntries } from '../../../agent/operator/fetch/tar-entries.ts'
import { unpackFrames } from '../../../agent/operator/fetch/unpack.ts'
import { Lost } from '../../../agent/seal/lost.ts'
import { bytesOf, inPieces } from '../../frames/streams.ts'
import { lent } from '../../streams/poisoned.ts'
import { block, padded, pax } from './tar-blocks.ts'

const { signal } = new AbortController()
const MIB = 1024 ** 2

async function tarOf(entries: readonly (Partial<Header> & { name: string; content?: string | Buffer })[]) {
  const tar = pack()
  for (const { content = '', ...header } of entries) tar.entry(header, content)
  tar.finalize()
  return await buffer(tar)
}

async function unpack(test: Test, tar: Buffer, most?: number) {
  const directory = test.testdir()
  await using stored = await open(join(directory, 'stored'), 'w+')
  await stored.write(await bytesOf(frames(lent(inPieces(tar, MIB)), {}, signal).stored))
  const { size } = await stored.stat()
  const expansion = { stored: size, told: undefined }
  const meter = new Allowance([expansion], most).begin(expansion)
  const bounds = { meter, space: new FreeSpace(directory), lost: new Lost([]) }
  const unpacked = await unpackFrames(stored, directory, { name: 'facts' }, bounds, signal)
  return { ...unpacked, directory }
}

t.test('what our writer, GNU tar and POSIX write for names long and short', async (t) => {
  const long = `proc/${'a-deep-directory/'.repeat(15)}status`
  const tar = await tarOf([
    { name: 'summary.txt', content: 'it was the disk' },
    { name: long, content: 'long' },
    { name: 'übel.txt', content: 'not ASCII' },
    { name: 'empty' },
    { name: 'dir', type: 'directory' },
    { name: 'dir/big', content: Buffer.alloc(3 * MIB, 7) },
  ])
  const { trouble, files, bytes, directory } = await unpack(t, tar)
  t.equal(trouble, undefined)
  t.strictSame(
    files,
    ['summary.txt', long, 'übel.txt', 'empty', 'dir/big'].map((name) => `facts/${name}`),
  )
  t.equal(bytes, 15 + 4 + 9 + 3 * MIB)
  t.equal(String(await readFile(join(directory, 'facts', long))), 'long')
  t.equal((await stat(join(directory, 'facts/dir/big'))).size, 3 * MIB)

  const gnu = Buffer.concat([block('././@LongLink', 'L', 200), padded(Buffer.from('n'.repeat(199)))])
  const entry = Buffer.concat([block('short', '0', 3), padded(Buffer.from('abc'))])
  const names: string[] = []
  for await (const { name } of tarEntries(inPieces(Buffer.concat([gnu, entry, entry]), 1000), signal)) names.push(name)
  t.strictSame(names, ['n'.repeat(199), 'short'], 'a long name is of one entry, and a tar may have no end')
})

t.test('names of megabytes are not kept: the tar ends at the first', async (t) => {
  const first = Buffer.concat([block('first', '0', 3), padded(Buffer.from('one'))])
  const name = pax('path', 'n'.repeat(4 * MIB - 100))
  const tar = Buffer.concat([first, ...Array(20).fill(Buffer.concat([name, block('x', '2', 0)]))])
  const { files, trouble } = await unpack(t, tar)
  t.strictSame(files, ['facts/first'])
  t.match(trouble, { status: 'truncated', reason: /a name or extended header in it has 41942\d\d bytes/ })
  t.ok((trouble?.reason.length ?? 0) < 300)
})

t.test('what is left out is counted, and three are named', async (t) => {
  const name = pax('path', `../${'n'.repeat(60_000)}`)
  const links = Array(500).fill(Buffer.concat([name, block('x', '2', 0), name, block('x', '0', 0)]))
  const { files, trouble } = await unpack(t, Buffer.concat(links))
  t.strictSame(files, [])
  t.match(trouble, { status: 'truncated', reason: /left out: .*; and 997 more$/ })
  t.ok((trouble?.reason.length ?? 0) < 1000, 'in a few hundred letters')
})

t.test('more entries than a host has, or names of more parts, end it', async (t) => {
  const many = Buffer.concat(Array(10_001).fill(block('x', '2', 0)))
  t.match((await unpack(t, many)).trouble, { reason: /it has more than 10000 entries/ })
  const deep = await tarOf([{ name: `${'d/'.repeat(40)}f`, content: 'x' }])
  t.match((await unpack(t, deep)).trouble, { reason: /its name has more than 32 parts/ })
  const wide = block(`${'d/'.repeat(40)}f`, '2', 0)
  t.match((await unpack(t, Buffer.concat(Array(700).fill(wide)))).trouble, { reason: /more than 25000 parts/ })
})

t.test('a global header is passed over, whatever it says', async (t) => {
  const record = Buffer.from('18 path=everyfile\n')
  const global = Buffer.concat([block('pax', 'g', record.length), padded(record)])
  const entry = Buffer.concat([block('mine', '0', 2), padded(Buffer.from('me'))])
  t.strictSame((await unpack(t, Buffer.concat([global, entry]))).files, ['facts/mine'])
})

t.test('sizes and records that lie', async (t) => {
  const cases: readonly [Buffer, RegExp][] = [
    [block('x', '0', 8 * 1024 ** 3 - 1), /ends inside an entry/],
    [Buffer.concat([block('x', 'x', 11), padded(Buffer.from('999999 a=b\n'))]), /extended header is damaged/],
    [Buffer.concat([block('x', 'x', 11), padded(Buffer.from('-5 a=bbbbbb'))]), /extended header is damaged/],
    [Buffer.concat([block('x', 'x', 11), padded(Buffer.from('1 path=aaaa'))]), /extended header is damaged/],
    [Buffer.alloc(512, 1), /no tar, or damaged/],
    [Buffer.concat([block('x', '0', 100), Buffer.alloc(20)]), /ends inside an entry/],
  ]
  for (const [tar, reason] of cases) t.match((await unpack(t, tar)).trouble, { status: 'truncated', reason })
  const base256 = block('x', '0', 0)
  base256.writeUInt8(0x80, 124)
  t.match((await unpack(t, base256)).trouble, { status: 'truncated' })
})

t.test('a tar that holds more than it may is unpacked up to there', async (t) => {
  const tar = await tarOf([
    { name: 'first', content: 'one' },
    { name: 'bomb', content: Buffer.alloc(20 * MIB, 1) },
    { name: 'behind', content: 'lost' },
  ])
  const { trouble, directory } = await unpack(t, tar, 10 * MIB)
  t.match(trouble, { status: 'truncated', reason: /all together may become 10MiB/ })
  t.strictSame((await readdir(join(directory, 'facts'))).sort(), ['bomb', 'first'])
  t.ok((await stat(join(directory, 'facts/bomb'))).size <= 10 * MIB)
})
