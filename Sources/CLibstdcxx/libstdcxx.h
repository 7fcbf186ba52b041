/* Links C++'s library, which Swift's runtime uses, from its archive, before the compiler names the
 * shared one: so that the linker sees its calls for memory too (CMuonShims/reserve.c). */
