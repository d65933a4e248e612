import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'
import { cured, Sickness, service, settingsOf } from '../sick.ts'

/** Inodes, space, descriptors and tasks run out, one after the other: each is the first thing that is said of the host. */
export const scenario: Scenario = {
  name: 'sick-exhausted',
  suites: ['bookworm', 'trixie'],
  turns: ['trixie', 'rest', 'rest', 'bookworm', 'rest', 'rest'],
  minutes: 2,
  async run(context, signal) {
    const { boot, bucket } = context
    await using machine = await boot({ settings: settingsOf(context), deadline: 120 })
    await bootDone(machine, signal)
    const sickness = new Sickness(machine, context)

    await machine.ok('mkdir -p /srv/full && mount -t tmpfs -o size=64m,nr_inodes=300 tmpfs /srv/full', signal)
    await machine.sh('for i in $(seq 400); do : >/srv/full/$i || break; done 2>/dev/null', signal)
    await sickness.captured('exhausted inodes', signal)
    await machine.ok('umount /srv/full && mount -t tmpfs -o size=64m tmpfs /srv/full', signal)
    await machine.sh('dd if=/dev/zero of=/srv/full/all bs=1M 2>/dev/null', signal)
    await sickness.captured('exhausted space', signal)
    await machine.ok('umount /srv/full', signal)

    await service(machine, 'hog', '/usr/lib/vm/hog', signal, ['LimitNOFILE=1024'])
    await machine.ok("until journalctl -q -u hog | grep -q 'gets no more'; do sleep 0.5; done", signal)
    await sickness.captured('exhausted descriptors hog.service', signal)
    await cured(machine, 'hog', signal)

    await service(machine, 'greedy', '/usr/lib/vm/greedy', signal, ['TasksMax=24'])
    await machine.ok("until journalctl -q -u greedy | grep -q 'gets no more'; do sleep 0.5; done", signal)
    await sickness.switchedOff('exhausted pids greedy.service', signal)
    await sickness.check(bucket, signal)
  },
}
