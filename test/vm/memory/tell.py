"""Run by drgn(1): what it finds in a kernel's memory, as one JSON object. Asks nothing that drgn 0.0.22 does not know."""

import json
import sys

from drgn import FaultError
from drgn.helpers.linux.fs import for_each_mount, mount_dst, mount_fstype, mount_src
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.pid import for_each_pid, pid_task
from drgn.helpers.linux.printk import get_dmesg
from drgn.helpers.linux.sched import task_state_to_char

# No CPU of a living machine has its registers in the file: what runs has no stack to print.
SLEEPING = "SDI"
# A file that ends early may lack the constants that states are told by.
TASKS_ONLY = "tasks-only" in sys.argv


def text(value):
    return value.decode(errors="replace")


def frames(task):
    try:
        return [frame.name or hex(frame.pc) for frame in prog.stack_trace(task)]
    except Exception as error:  # told with the task
        return [f"{type(error).__name__}: {error}"]


tasks = []
torn = []


def for_each_task():
    """As drgn's own, which ends at the first one that cannot be read."""
    for pid in for_each_pid(prog):
        try:
            task = pid_task(pid, prog["PIDTYPE_PID"])
        except FaultError as error:  # began after the tasks had been found
            torn.append(str(error))
            continue
        if task:
            yield task


for task in for_each_task():
    try:
        pid, comm = task.pid.value_(), text(task.comm.string_())
        state = "" if TASKS_ONLY else task_state_to_char(task)
    except Exception as error:  # began or ended while the file was written
        torn.append(f"{type(error).__name__}: {error}")
        continue
    stack = frames(task) if state and state in SLEEPING else []
    tasks.append({"pid": pid, "comm": comm, "state": state, "stack": stack})

told = {"release": text(prog["UTS_RELEASE"].string_()), "tasks": tasks, "torn": torn}
if not TASKS_ONLY:
    mounts = [(mount_src(each), mount_dst(each), mount_fstype(each)) for each in for_each_mount(prog)]
    told["mounts"] = [[text(part) for part in each] for each in mounts]
    told["dmesg"] = text(get_dmesg(prog))
    modules = list_for_each_entry("struct module", prog["modules"].address_of_(), "list")
    told["modules"] = [text(module.name.string_()) for module in modules]
print(json.dumps(told))
