/* The command line of `armillary`: what it accepts, what it refuses and in which words, what it
 * looks up. */
#include "host_fixture.h"

#define VIRT "virt,gic-version=3"

static void test_help_and_version_go_to_standard_output(void **state)
{
    (void)state;
    static const char *const commands[] = {"run", "check", "qemu", "dis", "sysreg"};

    struct result *r = RUN("--version");
    assert_int_equal(r->code, 0);
    assert_contains(r->out, "armillary ");
    r = RUN("--help");
    assert_int_equal(r->code, 0);
    for (size_t k = 0; k < 5; k++)
        assert_contains(r->out, commands[k]);
    for (size_t k = 0; k < 5; k++) {
        r = RUN(commands[k], "--help");
        assert_int_equal(r->code, 0);
        assert_string_equal(r->err, "");
        assert_contains(r->out, "armillary ");
    }
    r = RUN("run", "--help");
    assert_contains(r->out, "Machine options:");
    assert_contains(r->out, "Debug options:");
}

static void test_bad_usage_is_exit_code_2_and_names_option_value_and_expectation(void **state)
{
    (void)state;
    static const struct {
        const char *args[8], *text;
    } rows[] = {
        {{"fly"}, "no command \"fly\""},
        {{"run"}, "no image"},
        {{"run", "--fly", "x"}, "--fly"},
        {{"run", "--rules=all", "x"}, "--rules"},
        {{"check"}, "armillary check: no image"},
        {{"check", "--rules=FLY", "--load", loop_load}, "\"FLY\" is none"},
        {{"check", "--report=xml=x", "x"}, "--report=xml=x: expected FORMAT=FILE"},
        {{"check", "--report=json=", "x"}, "--report=json=: expected FORMAT=FILE"},
        {{"check", "--budget=/nonexistent/x", "--load", loop_load}, "/nonexistent/x"},
        {{"run", "a", "b"}, "\"b\" is a second image"},
        {{"run", "--cpu=help", "--load", loop_load}, "known: a35, cortex-a35, a53"},
        {{"run", "--smp=124", "x"}, "--smp=124: expected 1 to 123"},
        {{"run", "--smp=two", "x"}, "--smp=two: expected 1 to 123"},
        {{"run", "--memory=5X", "x"}, "--memory=5X: expected MiB"},
        {{"run", "--memory=-1", "x"}, "--memory=-1: expected MiB"},
        {{"run", "--memory=99999999999999999999", "x"}, "--memory=9"},
        {{"run", "--start-el=3", "x"}, "--start-el=3: expected 1 or 2"},
        {{"run", "--max-insns=0", "x"}, "--max-insns=0: expected"},
        {{"run", "--parallel", "--record=x", "x"}, "--parallel does not go with record"},
        {{"run", "--parallel", "--save=x@1", "x"}, "--parallel does not go with save"},
        {{"run", "--parallel", "--trace=insn", "x"}, "--parallel does not go with trace"},
        {{"run", "--parallel", "--gdb=1", "x"}, "--parallel does not go with gdb"},
        {{"run", "--parallel", "--engine=lockstep", "x"}, "does not go with engine=lockstep"},
        {{"check", "--parallel", "x"}, "--parallel does not go with check"},
        {{"step", "--parallel", "x"}, "--parallel does not go with step"},
        {{"run", "--timeout=soon", "x"}, "--timeout=soon: expected seconds"},
        {{"run", "--seed=x", "x"}, "--seed=x: expected a number"},
        {{"run", "--serial=tcp", "x"}, "--serial=tcp: expected stdio"},
        {{"run", "--serial=file:/nonexistent/x", "x"}, "/nonexistent/x"},
        {{"run", "--load=x"}, "--load=x: expected FILE@ADDR"},
        {{"run", "--load=x@40000000"}, "--load=x@40000000: expected an address with 0x"},
        {{"run", "--load=x@40000000"}, "is it 0x40000000 or 0x2625a00?"},
        {{"run", "--load=x@4000000f"}, "is it 0x4000000f?"},
        {{"run", "--memory=0", "x"}, "--memory=0: expected MiB"},
        {{"run", "--smp=0", "x"}, "--smp=0: expected 1 to 123"},
        {{"run", "--gic=lrs=0", "x"}, "--gic=lrs=0: expected KEY=N,...; keys are lrs (1 to 16)"},
        {{"run", "--gic=lrs=17", "--load", loop_load}, "17 list registers, expected 1 to 16"},
        {{"run", "--gic=priority=0", "x"}, "--gic=priority=0: expected"},
        {{"run", "--gic=preemption=0", "x"}, "--gic=preemption=0: expected"},
        {{"run", "--gic=intid=0", "x"}, "--gic=intid=0: expected"},
        {{"run", "--bios="}, "--bios=: expected the name of a file"},
        {{"run", "--bios=/dev/null"}, "/dev/null: is empty"},
        {{"run", "--initrd=", "x"}, "--initrd=: expected the name of a file"},
        {{"run", "--dtb=", "x"}, "--dtb=: expected the name of a file"},
        {{"run", "--dump-dtb="}, "--dump-dtb=: expected the name of a file"},
        {{"run", "--load=@0x40000000"}, "--load=@0x40000000: expected FILE@ADDR"},
        {{"run", "--module=", "x"}, "--module=: expected"},
        {{"run", "--serial=file:", "x"}, "--serial=file:: expected"},
        {{"run", "--trace=insn:", "x"}, "--trace=insn:: expected a file name"},
        {{"run", ""}, "\"\": expected the name of an image"},
        {{"qemu", "-M", "virt", "-bios", ""}, "firmware: \"\": expected the name of a file"},
        {{"qemu", "-M", "virt", "-kernel", ""}, "kernel: \"\": expected the name of a file"},
        {{"qemu", "-M", "virt", "-drive", "if=pflash,file="}, "flash memory: \"\": expected"},
        {{"qemu", "-M", "virt", "-device", "loader,file="}, "file to load: \"\": expected"},
        {{"run", "--drive=/nonexistent/x", "--load", loop_load}, "/nonexistent/x"},
        {{"run", "--drive=,writable", "x"},
         "expected FILE[,readonly|writable|snapshot][,format=raw|qcow2]"},
        {{"run", "--virtio-console=tcp", "x"}, "--virtio-console=tcp: expected"},
        {{"run", "--bios=/nonexistent/x"}, "/nonexistent/x"},
        {{"run", "--cpu=486", "x"}, "486"},
        {{"run", "--cpu=max,+warp", "x"}, "warp"},
        {{"run", "--trace=magic", "x"}, "no event \"magic\""},
        {{"run", "--log=cpu=loud", "x"}, "--log=cpu=loud: expected"},
        {{"run", "--log=cup=debug", "x"}, "--log=cup=debug: expected"},
        {{"run", "/nonexistent/image"}, "/nonexistent/image"},
        {{"run", "--initrd=/nonexistent/initrd", "/dev/null"}, "/dev/null"},
        {{"run", "--no-el2", "--start-el=2", "x"}, "EL2"},
        {{"dis"}, "no word"},
        {{"dis", "/nonexistent/file"}, "/nonexistent/file"},
        {{"dis", "--base=x"}, "unknown option"},
        {{"sysreg"}, "no name"},
        {{"sysreg", "SCTLR_EL"}, "SCTLR_EL1"},
        {{"sysreg", "SCTLR_EL1=red"}, "SCTLR_EL1=red: expected a number"},
    };

    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
        assert_ended(run_args("", rows[k].args), 2, rows[k].text);
}

/* A name is bytes to the host, whatever the locale says. */
static void test_names_need_not_be_text_of_the_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"f\xc3\xbcnf", "f\xfcnf", "\xe4\xba\x94"};
    char path[64], load[96], trace[96], serial[96], drive[96];

    uint32_t words[1024] = {0}; /* whole sectors, for it is also the disk */
    memcpy(words, guest_off, sizeof(guest_off));
    setenv("LC_ALL", "C", 1);
    for (size_t k = 0; k < 3; k++) {
        write_guest(names[k], words, sizeof(words), path, load);
        snprintf(trace, sizeof(trace), "--trace=call:%s.trace", path);
        snprintf(serial, sizeof(serial), "--serial=file:%s.serial", path);
        snprintf(drive, sizeof(drive), "--drive=%s,readonly", path);
        struct result *r = RUN("run", "--load", load, drive, trace, serial);
        assert_string_equal(r->err, "");
        assert_int_equal(r->code, 0);
        assert_int_equal(unlink(trace + strlen("--trace=call:")), 0);
        assert_int_equal(unlink(serial + strlen("--serial=file:")), 0);
        r = RUN("run", "--append", names[k], "--initrd", path, "--log", "error", path);
        assert_string_equal(r->err, "");
        assert_int_equal(r->code, 0);
        r = RUN("qemu", "-M", VIRT ",virtualization=on", "-cpu", "max", "-append", names[k],
                "-kernel", path);
        assert_string_equal(r->err, "");
        assert_int_equal(r->code, 0);
        unlink(path);
    }
    unsetenv("LC_ALL");
}

static void test_dis_shows_text_row_fields_and_feature(void **state)
{
    (void)state;
    struct result *r = RUN("dis", "--base", "1000", "d5381002", "91000421", "0xdac10000", "0");
    assert_int_equal(r->code, 0);
    assert_contains(r->out, "1000:  d5381002  mrs x2, sctlr_el1  ; MRS ");
    assert_contains(r->out, "[SCTLR_EL1]");
    assert_contains(r->out, "1004:  91000421  add x1, x1, #1  ; ADD_imm sf=0x1 sh=0 imm12=0x1");
    assert_contains(r->out, "FEAT_PAuth");
    assert_contains(r->out, "UNDEFINED at EL0, cpu/exec/system.c:");
    r = RUN("dis", "c85f7c00", "d53c1100", "d4a00001");
    assert_contains(r->out, "LD EXCL, cpu/exec/ldst_excl.c:");
    assert_contains(r->out, "UNDEFINED at EL0 and EL1, cpu/exec/system.c:");
    assert_contains(r->out, "UNDEFINED at every EL, cpu/exec/exception_gen.c:");
    r = RUN("dis", "6e40c400");
    assert_contains(r->out, "FCMLA_vec_h Q=0x1 Vm=0 rot=0 Vn=0 Vd=0, FEAT_FCMA, FEAT_FP16");
    r = RUN("dis", loop_path);
    assert_contains(r->out, "       0:  14000000  b ");
    r = RUN("dis", program);
    assert_int_equal(r->code == 0 || r->code == 2, 1);
}

static void test_capstone_is_loaded_only_where_text_is_wanted(void **state)
{
    (void)state;
    setenv("LD_DEBUG", "files", 1); /* the dynamic linker says on standard error what it loads */
    struct result *run = RUN("run", "--max-insns=1000", "--load", loop_load);
    assert_contains(run->err, "libglib");
    assert_null(strstr(run->err, "libcapstone"));
    struct result *dis = RUN("dis", "d5381002");
    assert_contains(dis->err, "libcapstone");
    unsetenv("LD_DEBUG");
}

static void test_sysreg_finds_a_row_by_name_encoding_and_word(void **state)
{
    (void)state;
    static const char *const names[] = {"HCR_EL2",   "hcr_el2",    "S3_4_C1_C1_0",
                                        "3,4,1,1,0", "0xd53c1100", "d51c1105"};

    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        struct result *r = RUN("sysreg", names[k]);
        assert_int_equal(r->code, 0);
        assert_int_equal(strncmp(r->out, "HCR_EL2\n", 8), 0);
    }
    struct result *r = RUN("sysreg", "HCR_EL2=0x8000000");
    assert_contains(r->out, "TGE              = 0x1");
    assert_contains(r->out, "IMO              = 0 ");
    r = RUN("sysreg", "sctlr_el1", "dc zva", "S3_0_C15_C15_7", "id_aa64mmfr0_el1");
    assert_contains(r->out,
                    "EL1 writes trap to EL2 while HCR_EL2.TVM is 1 (virtual memory controls; "
                    "arch/traps.def:");
    assert_contains(r->out, "EL1 and above; UNDEFINED at EL0\n");
    assert_contains(r->out, "row           arch/sysreg.def:");
    assert_contains(r->out, "storage: cpu->sr[SR_SCTLR_EL1]");
    assert_contains(r->out, "sr_op_DC_ZVA(), cpu/");
    assert_contains(r->out, "HFGWTR_EL2.SCTLR_EL1 for writes");
    assert_contains(r->out, "at EL2 with HCR_EL2.E2H the access goes to SCTLR_EL2");
    assert_contains(r->out, "SCTLR_EL12 is another name");
    assert_contains(r->out, "DC_ZVA\n");
    assert_contains(r->out, "no row in arch/sysreg.def");
    assert_contains(r->out, "max 0x");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_and_version_go_to_standard_output),
        cmocka_unit_test(test_bad_usage_is_exit_code_2_and_names_option_value_and_expectation),
        cmocka_unit_test(test_names_need_not_be_text_of_the_locale),
        cmocka_unit_test(test_dis_shows_text_row_fields_and_feature),
        cmocka_unit_test(test_capstone_is_loaded_only_where_text_is_wanted),
        cmocka_unit_test(test_sysreg_finds_a_row_by_name_encoding_and_word),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s ARMILLARY\n", argv[0]);
        return 2;
    }
    program = argv[1];
    return cmocka_run_group_tests(tests, make_guests, remove_guests);
}
