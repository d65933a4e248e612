# Run by gdb: a line for each frame of each thread that is on the stack, its pc and its function.
import gdb

for setting in ("past-main on", "past-entry on", "limit 256"):
    gdb.execute("set backtrace " + setting)
for thread in sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.num):
    thread.switch()
    print("thread", thread.ptid[1])
    frame = gdb.newest_frame()
    try:
        while frame is not None and frame.is_valid():
            # Behind the outermost function of Go's gdb takes what that was given for a return address: nothing, or data.
            if frame.pc() == 0 or "bss" in gdb.execute("info symbol " + hex(frame.pc()), to_string=True):
                break
            # What was inlined, or left by a jump, is not on the stack.
            if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
                print("frame", hex(frame.pc()), frame.name())
            frame = frame.older()
    except gdb.error as error:
        print("end", error)
