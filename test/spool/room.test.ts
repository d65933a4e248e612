import { statfsSync } from 'node:fs'
import t from 'tap'
import { roomIn, upperOf } from '../../agent/spool/room.ts'

t.test('there is room where a reboot loses nothing', async (t) => {
  const directory = t.testdir()
  const { bavail, bsize } = statfsSync(directory)
  t.equal(await roomIn(directory, 1_000), 1_000)
  const room = await roomIn(directory, Number.POSITIVE_INFINITY)
  t.ok(room > bavail * bsize * 0.7 && room < bavail * bsize * 0.8, `${room}`)
  await t.rejects(roomIn('/dev/shm', 1_000), /it lies in memory/)
  await t.rejects(roomIn(`${directory}/nowhere`, 1_000), /^cannot keep anything in .*nowhere: /m as never)
})

t.test('an overlay is what its upper directory is', async (t) => {
  const mountinfo = [
    '22 1 0:20 / / rw - overlay overlay rw,lowerdir=/lower,upperdir=/run/live/up\\040per,workdir=/work',
    '23 22 0:21 / /var/lib rw - ext4 /dev/vda rw',
    '24 23 0:22 / /var/lib/lastgasp rw - overlay overlay rw,lowerdir=/a,upperdir=/data/b,workdir=/c',
  ].join('\n')
  t.equal(upperOf('/etc', mountinfo), '/run/live/up per')
  t.equal(upperOf('/var/lib/other', mountinfo), undefined)
  t.equal(upperOf('/var/lib/lastgasp/spool', mountinfo), '/data/b')
  t.equal(upperOf('/var/lib/lastgasps', mountinfo), undefined)
})
