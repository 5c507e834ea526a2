/* hello.c - the smallest program: writes a line to standard output.
 *
 * `run` is async in WIT; bound with `--sync wasi:cli/run@0.3.0#run` it is a plain function that blocks. */
#include "hello.h"

#include <string.h>

typedef wasi_cli_stdout_result_void_error_code_t outcome;

/* Waits until the pending operation of `waitable` is over, unless it is already. */
static hello_waitable_status_t finish(uint32_t waitable, hello_waitable_status_t status)
{
    if (status != HELLO_WAITABLE_STATUS_BLOCKED)
        return status;
    hello_event_t event;
    hello_waitable_set_t set = hello_waitable_set_new();
    hello_waitable_join(waitable, set);
    hello_waitable_set_wait(set, &event);
    hello_waitable_join(waitable, 0);
    hello_waitable_set_drop(set);
    return event.code;
}

bool exports_wasi_cli_run_run(void)
{
    static const char text[] = "Hello, world!\n";
    size_t len = strlen(text), written = 0;
    outcome result = {.is_err = false};
    wasi_cli_stdout_stream_u8_writer_t writer;
    wasi_cli_stdout_future_result_void_error_code_t done =
        wasi_cli_stdout_write_via_stream(wasi_cli_stdout_stream_u8_new(&writer));
    bool read = true;

    while (read && written < len) {
        hello_waitable_status_t status =
            finish(writer, wasi_cli_stdout_stream_u8_write(writer, (const uint8_t *)text + written,
                                                           len - written));
        written += HELLO_WAITABLE_COUNT(status);
        read = HELLO_WAITABLE_STATE(status) == HELLO_WAITABLE_COMPLETED;
    }
    wasi_cli_stdout_stream_u8_drop_writable(writer);
    finish(done, wasi_cli_stdout_future_result_void_error_code_read(done, &result));
    wasi_cli_stdout_future_result_void_error_code_drop_readable(done);
    return !result.is_err;
}
