      * A card record with every usage, as tests/unit/batch reads it.
       01  CARD-REC.
           05  REC-TYPE            PIC X.
           05  BINARIES.
               10  ID-B2           PIC S9(4) COMP.
               10  ID-B4           PIC 9(9) BINARY.
               10  CARD-B8         PIC 9(16) COMP-4.
               10  CARD-N8         PIC 9(18) COMP-5.
           05  CARD-X              PIC X(19).
           05  CARD-Z              PIC 9(16).
           05  CARD-ZS             PIC S9(16).
           05  CARD-ZL             PIC S9(16) SIGN IS LEADING.
           05  CARD-ZT             PIC S9(16) SIGN TRAILING SEPARATE.
           05  CARD-ZF             PIC S9(16)
                                   SIGN IS LEADING SEPARATE CHARACTER.
           05  CARD-P              PIC 9(16) COMP-3.
           05  CARD-PS             PIC S9(15) PACKED-DECIMAL.
           05  RATE-1              COMP-1.
           05  RATE-2              COMP-2.
           05  AMOUNT              PIC S9(7)V99 COMP-3.
           05  EDITED              PIC Z(5)9.99.
           05  CARD-R              PIC X(16) JUSTIFIED RIGHT.
           05  CARDS               OCCURS 3 TIMES.
               10  CARD-T          PIC X(16).
               10  FILLER          PIC X(4) VALUE "2512".
           05  N-MORE              PIC 9(2) COMP-3.
           05  MORE                OCCURS 0 TO 4 TIMES
                                   DEPENDING ON N-MORE.
               10  CARD-M          PIC 9(16) COMP-3.
           05  CARD-LAST           PIC X(20).
