package stackprobe_test

const victimEnv = "GNET_TEST_VICTIM"

func victim() int { return 0 }
