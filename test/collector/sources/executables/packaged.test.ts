import t from 'tap'
import { MOST_BYTES, MOST_FILES, withinLimits } from '../../../../agent/collector/sources/executables/limits.ts'
import { packagedPaths } from '../../../../agent/collector/sources/executables/packaged.ts'
import type { Program } from '../../../../agent/collector/sources/executables/program.ts'
import { unhurried } from '../../reading.ts'

const PATHS = ['/usr/lib/x86_64-linux-gnu/libc.so.6', '/usr/local/bin/own', '/usr/bin/tool', '/opt/shop/shop']

t.test('what dpkg lists, under either name of a merged /usr, wherever it lies', async (t) => {
  const info = {
    'libc6:amd64.list': '/.\n/lib\n/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu/libc.so.6\n',
    'libc6:amd64.md5sums': '/usr/bin/tool\n',
    'shop.list': '/.\n/opt\n/opt/shop\n/opt/shop/shop\n',
  }
  const tree = t.testdir({ var: { lib: { dpkg: { info } } } })
  t.strictSame([...(await packagedPaths(tree, PATHS, unhurried()))].toSorted(), [
    '/opt/shop/shop',
    '/usr/lib/x86_64-linux-gnu/libc.so.6',
  ])
})

t.test('without such lists, by where it lies', async (t) => {
  const more = ['/bin/sh', '/lib64/ld.so', '/nix/store/x/bin/y', '/srv/app', '/home/a/usr/bin/b', '/library/x']
  const packaged = await packagedPaths(t.testdir({}), [...PATHS, ...more], unhurried())
  t.strictSame(
    [...packaged],
    ['/usr/lib/x86_64-linux-gnu/libc.so.6', '/usr/bin/tool', '/bin/sh', '/lib64/ld.so', '/nix/store/x/bin/y'],
  )
})

t.test('programs before libraries, and no more than one capture should hold', (t) => {
  const program = (bytes: number, isMain = false) => [{ bytes, isMain, path: `/opt/${bytes}` } as Program, {}] as const
  const { taken, left } = withinLimits([program(5), program(MOST_BYTES, true), program(7, true), program(3)])
  t.strictSame(
    [taken, left].map((list) => list.map(([{ bytes }]) => bytes)),
    [[7, 3, 5], [MOST_BYTES]],
  )
  const many = Array.from({ length: MOST_FILES + 2 }, (_, at) => program(at))
  t.strictSame([withinLimits(many).taken.length, withinLimits(many).left.length], [MOST_FILES, 2])
  t.end()
})
