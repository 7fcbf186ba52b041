# make install and make uninstall: what C and C++ programs need to find the library, by pkg-config
# or by CMake. It lies with the C binding because nobody else needs it: the Python package carries
# its own copy of the library, and Swift builds from the package.
#
# PREFIX, LIBDIR, INCLUDEDIR and DOCDIR say where, and are absolute. DESTDIR is put before them, for
# packagers; nothing that is installed knows of it. Nothing knows of PREFIX either: the installed
# tree can be moved as a whole.
#
# include/module.modulemap is not installed: it belongs to the Swift package, and under that name it
# would speak for a whole folder, which others share.
PREFIX = /usr/local
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
DOCDIR = $(PREFIX)/share/doc/libmuon

PKGCONFIGDIR = $(LIBDIR)/pkgconfig
CMAKEDIR = $(LIBDIR)/cmake/muon
TEMPLATES := bindings/c/install

# muon.h is the home of the version, Package.swift that of the soname.
VERSION := $(shell sed -nE 's/^.define MUON_VERSION_(MAJOR|MINOR|PATCH) ([0-9]+)$$/\2/p' \
  include/muon.h | paste -sd.)
SONAME := $(shell sed -nE 's/.*-soname=(libmuon\.so\.[0-9]+)".*/\1/p' Package.swift)
REAL_NAME := libmuon.so.$(VERSION)

LIBRARY_NAMES := $(REAL_NAME) $(SONAME) libmuon.so
HEADERS := muon.h muon.hpp muon_mpi.h muon_mpi.hpp
PARTS := $(notdir $(wildcard include/muon/*.hpp))
CMAKE_FILES := muon-config.cmake muon-config-version.cmake
TEXTS := LICENSE NOTICE

# Fills in the template of a file for a folder, and puts it there. Places become the way from that
# folder, which need not exist yet.
way = $$(realpath -m -s --relative-to="$(2)" "$(1)")
define put
sed -e "s|@VERSION@|$(VERSION)|; s|@SONAME@|$(SONAME)|; s|@REAL_NAME@|$(REAL_NAME)|" \
  -e "s|@PREFIX@|$(call way,$(PREFIX),$(2))|; s|@LIBDIR@|$(call way,$(LIBDIR),$(2))|" \
  -e "s|@INCLUDEDIR@|$(call way,$(INCLUDEDIR),$(2))|" \
  $(TEMPLATES)/$(1).in | install -m 644 /dev/stdin "$(DESTDIR)$(2)/$(1)"
endef
# Names in a folder. Quoted here, because a list of make's cannot hold a path with spaces.
in = $(foreach name,$(2),"$(DESTDIR)$(1)/$(name)")

.PHONY: install uninstall

# Only if it is not there: root, who installs, may have no Swift and should build nothing.
$(LIBRARY):
	@$(MAKE) library

install: $(LIBRARY)
	@echo "Installing libmuon $(VERSION) in $(DESTDIR)$(PREFIX)"
	@install -d "$(DESTDIR)$(LIBDIR)" "$(DESTDIR)$(PKGCONFIGDIR)" "$(DESTDIR)$(CMAKEDIR)" \
	  "$(DESTDIR)$(INCLUDEDIR)/muon" "$(DESTDIR)$(DOCDIR)"
	@install -m 755 $(LIBRARY) "$(DESTDIR)$(LIBDIR)/$(REAL_NAME)"
	@ln -sf $(REAL_NAME) "$(DESTDIR)$(LIBDIR)/$(SONAME)"
	@ln -sf $(SONAME) "$(DESTDIR)$(LIBDIR)/libmuon.so"
	@install -m 644 $(HEADERS:%=include/%) "$(DESTDIR)$(INCLUDEDIR)"
	@install -m 644 $(PARTS:%=include/muon/%) "$(DESTDIR)$(INCLUDEDIR)/muon"
	@$(call put,muon.pc,$(PKGCONFIGDIR))
	@$(call put,muon-config.cmake,$(CMAKEDIR))
	@$(call put,muon-config-version.cmake,$(CMAKEDIR))
	@install -m 644 $(TEXTS) "$(DESTDIR)$(DOCDIR)"

# With the same variables as install. Folders that others share stay.
uninstall:
	@echo "Removing libmuon $(VERSION) from $(DESTDIR)$(PREFIX)"
	@rm -f $(call in,$(LIBDIR),$(LIBRARY_NAMES)) $(call in,$(PKGCONFIGDIR),muon.pc) \
	  $(call in,$(CMAKEDIR),$(CMAKE_FILES)) $(call in,$(DOCDIR),$(TEXTS)) \
	  $(call in,$(INCLUDEDIR),$(HEADERS)) $(call in,$(INCLUDEDIR)/muon,$(PARTS))
	@for folder in "$(DESTDIR)$(CMAKEDIR)" "$(DESTDIR)$(INCLUDEDIR)/muon" "$(DESTDIR)$(DOCDIR)"; do \
	  test ! -d "$$folder" || rmdir --ignore-fail-on-non-empty "$$folder"; done
