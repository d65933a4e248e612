/** Where a guest finds the server on the host's loopback; there is nothing else in its network. */
export const STORE_ADDRESS = '10.0.2.100:9000'

/** Records of 8 KiB each: a panic leaves two or three. */
const ERRORS_BYTES = 128 * 1024

export interface QemuOptions {
  readonly kernel: string
  readonly initrd: string
  readonly disk: string
  readonly memoryMiB: number
  /** 2 where nothing is said. */
  readonly processors?: number
  /** How the kernel is to mount the root file system, and to leave it: read and write where nothing is said. */
  readonly root?: 'ro' | 'rw'
  /** The one port on the host's loopback that the guest reaches. */
  readonly port: number
  /** A file in which the firmware keeps records of errors (ACPI's ERST), from one start to the next. */
  readonly errors?: string
  /** A file that holds the state of a machine of the same options: it goes on there, and does not boot. */
  readonly saved?: string
  /** Unix sockets for the machine protocol and for the shell in the guest; without them the console is a terminal. */
  readonly sockets?: { readonly qmp: string; readonly channel: string }
}

/** The command line of a small server in software emulation: qemu-system-x86_64(1). */
export function qemuArguments(options: QemuOptions): string[] {
  const { kernel, initrd, disk, memoryMiB, processors = 2, root = 'rw', port, errors, saved, sockets } = options
  const args = ['qemu-system-x86_64', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot']
  // -cx16: kernel 6.12 allocates memory by cmpxchg16b, which QEMU 7.2's emulation gets wrong (double fault in kmalloc)
  args.push('-accel', 'tcg,thread=multi', '-cpu', 'max,-cx16', '-smp', String(processors), '-m', String(memoryMiB))
  // panic=-1: a kernel that panics resets, which -no-reboot makes the end of the machine
  args.push('-kernel', kernel, '-initrd', initrd, '-append', `root=/dev/vda ${root} console=ttyS0 panic=-1`)
  // unsafe: the host's page cache outlives the machine, so even a cut of its power loses nothing it had written
  args.push('-drive', `file=${disk},if=virtio,format=raw,cache=unsafe`)
  // restrict=on: no way out of the guest but the one that is named
  args.push('-netdev', `user,id=net,restrict=on,guestfwd=tcp:${STORE_ADDRESS}-cmd:nc 127.0.0.1 ${port}`)
  args.push('-device', 'virtio-net-pci,netdev=net,romfile=')
  args.push('-chardev', `stdio,id=console,signal=${sockets ? 'on' : 'off'}`, '-serial', 'chardev:console')
  // pstore's place for what a kernel says last: drivers/acpi/apei/erst.c
  if (errors) {
    args.push('-object', `memory-backend-file,id=errors,mem-path=${errors},size=${ERRORS_BYTES},share=on`)
    args.push('-device', 'acpi-erst,memdev=errors')
  }
  if (saved) args.push('-incoming', `exec:cat ${saved}`)
  // the guest's kernel leaves its VMCOREINFO with QEMU, for dump-guest-memory
  args.push('-device', 'vmcoreinfo')
  if (sockets) {
    args.push('-qmp', `unix:${sockets.qmp},server=on,wait=off`)
    args.push(
      '-device',
      'virtio-serial-pci',
      '-chardev',
      `socket,id=channel,path=${sockets.channel},server=on,wait=off`,
    )
    args.push('-device', 'virtserialport,chardev=channel,name=vm.channel')
  }
  return args
}
