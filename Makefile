# Each target calls one file of Scripts/.
.PHONY: help demo test check release format clean

help:
	@echo "make demo      set up this machine, build the release and paint a picture"
	@echo "make test      the whole test run, from a clean clone"
	@echo "make check     form, imports, sizes, wording, documentation: seconds"
	@echo "make release   build the one-file release: .build-release/gesso"
	@echo "make format    give all Swift files the project's form"
	@echo "make clean     remove what builds made"

demo:
	@Scripts/demo

test:
	@Scripts/test

check:
	@Scripts/check

release:
	@Scripts/release

format:
	@Scripts/format

clean:
	@Scripts/clean
