import { execFileSync } from 'node:child_process'
import t from 'tap'
import { HostReads } from '../../../agent/collector/host/host-reads.ts'
import { ledger } from '../../../agent/collector/host/ledger.ts'
import { parseMounts, readFileSystems, safeMounts } from '../../../agent/collector/host/mounts.ts'

const MOUNTS = parseMounts(
  [
    '1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro',
    '2 1 0:5 / /proc rw - proc proc rw',
    '3 1 0:30 / /mnt/a\\040b\\134c rw shared:2 master:1 - nfs4 nas:/x rw',
    '4 3 8:2 / /mnt/a\\040b\\134c/inner rw - xfs /dev/sdb rw',
    '5 1 0:31 / /boot rw - autofs systemd-1 rw',
    '6 5 8:3 / /boot rw - vfat /dev/sda3 rw',
    '7 1 0:32 / /merged rw - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w',
    '8 1 0:33 / /view ro - overlay overlay ro,lowerdir=/l:/m',
    '9 1 0:34 / /ssh rw - fuse.sshfs bob@host:/ rw',
    '10 1 0:35 / /sshd rw - tmpfs tmpfs rw',
    '',
    'noise',
  ].join('\n'),
)

t.test('mountinfo is read with its escapes and optional fields', async (t) => {
  t.equal(MOUNTS.length, 10)
  t.match(MOUNTS[2], { id: 3, device: '0:30', path: '/mnt/a b\\c', type: 'nfs4', source: 'nas:/x' })
  t.match(MOUNTS[0], { path: '/', type: 'ext4', options: 'rw,errors=remount-ro' })
})

t.test('nothing is asked that may wait for another machine, nor what is mounted below it', async (t) => {
  const safe = [...safeMounts(MOUNTS)].map(({ path, type }) => `${path} ${type}`)
  t.strictSame(safe, ['/ ext4', '/proc proc', '/merged overlay', '/sshd tmpfs'])
})

t.test('the root file system has the size that df tells', async (t) => {
  using reads = new HostReads('/', ledger(), AbortSignal.timeout(60_000))
  const [root] = await readFileSystems(reads, parseMounts('1 0 8:1 / / rw - ext4 /dev/sda1 rw\n'))
  const df = execFileSync('df', ['--block-size=1', '--output=size,itotal', '/'], { encoding: 'utf8' })
  const [size, inodes] = df.trim().split('\n').at(-1)?.trim().split(/\s+/).map(Number) ?? []
  t.match(root, { size, inodes })
  t.ok((root?.used ?? 0) > 0 && (root?.available ?? 0) + (root?.used ?? 0) <= (size ?? 0))
})

t.test('what lies hidden below another mount is not shown, and a place that is gone is', async (t) => {
  using reads = new HostReads(t.testdir({}), ledger(), AbortSignal.timeout(60_000))
  const systems = await readFileSystems(
    reads,
    parseMounts(
      '1 0 8:1 / /gone rw - ext4 /dev/a rw\n2 0 0:9 / /shm rw - tmpfs one rw\n3 0 0:8 / /shm rw - nfs two rw\n',
    ),
  )
  t.match(systems, [
    { path: '/gone', note: 'no answer' },
    { path: '/shm', source: 'two', note: 'not asked: it might hang' },
  ])
})
