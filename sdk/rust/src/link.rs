//! Lets a component export a function named `send`.
//!
//! The contract's `send` and the C library's `send` are one symbol to the linker. The library's own is only brought in
//! because it stands in one object file with `sendto`, which the standard library's UDP sockets name. With a `sendto`
//! of ours, which no plugin can reach because sockets are not to be had, that file stays out.

#[expect(unsafe_code, reason = "the linker must find it under this name")]
#[unsafe(no_mangle)]
extern "C" fn sendto(_: i32, _: *const u8, _: usize, _: i32, _: *const u8, _: u32) -> isize {
    -1
}
