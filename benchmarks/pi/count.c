/* A QEMU plugin that counts the instructions a program executes, and tells the count whenever the program asks for its
 * own CPU time, as cost.py does before and after what it measures.
 *
 *     gcc -shared -fPIC -O2 -o libcount.so count.c        qemu-aarch64 -plugin ./libcount.so -d plugin -D LOG PROGRAM
 *
 * The declarations are those of qemu-plugin.h, interface 1 (QEMU 4.2 and later), which Debian's packages do not hold.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
typedef void asked_cb(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                      uint64_t, uint64_t);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int add, void *counter, uint64_t by);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, asked_cb *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
void qemu_plugin_outs(const char *);

int qemu_plugin_version = 1;
static uint64_t executed; /* one thread works; what others add is lost at worst */

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, 0, &executed, qemu_plugin_tb_n_insns(block));
}

static void asked(qemu_plugin_id_t id, unsigned cpu, int64_t number, uint64_t clock, uint64_t b, uint64_t c, uint64_t d,
                  uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
    char line[64];
    (void)id, (void)cpu, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
    /* clock_gettime on arm64, on arm, and its younger form there; CLOCK_PROCESS_CPUTIME_ID */
    if ((number == 113 || number == 263 || number == 403) && clock == 2) {
        snprintf(line, sizeof line, "%" PRIu64 "\n", executed);
        qemu_plugin_outs(line);
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info, (void)argc, (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, asked);
    return 0;
}
