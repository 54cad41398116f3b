      *> SPDX-License-Identifier: Apache-2.0
      *> The area of CALL "JETON" USING JTAB-AREA, for many cards a
      *> call; it has as many entries as you say:
      *>     COPY JETONTAB REPLACING ==:N:== BY ==500==.
      *> Each thousand of entries is one request. See docs/cobol.md.
      *> Do not INITIALIZE it as a whole: the version must stay.
       01  JTAB-AREA.
      *>   The version of this layout; it tells the byte order, too.
           05  JTAB-VERSION            PIC S9(9) COMP VALUE 1.
           05  FILLER                  PIC X(8)  VALUE "JETON".
           05  JTAB-FUNCTION           PIC X(4)  VALUE SPACES.
               88  JTAB-OPEN           VALUE "OPEN".
               88  JTAB-TOKENIZE       VALUE "TOKN".
               88  JTAB-DETOKENIZE     VALUE "DETK".
               88  JTAB-MASK           VALUE "MASK".
               88  JTAB-CLOSE          VALUE "CLOS".
      *>   The protected field of the service, as "pan".
           05  JTAB-FIELD              PIC X(64) VALUE SPACES.
      *>   Entries that there are, and entries that are filled.
           05  JTAB-CAPACITY           PIC S9(9) COMP VALUE :N:.
           05  JTAB-COUNT              PIC S9(9) COMP VALUE 0.
      *>   How the call ended; RETURN-CODE has the same number.
           05  JTAB-RETURN-CODE        PIC S9(9) COMP VALUE 0.
               88  JTAB-DONE           VALUE 0.
               88  JTAB-REFUSED        VALUE 4.
               88  JTAB-CALL-WRONG     VALUE 8.
               88  JTAB-DENIED         VALUE 12.
               88  JTAB-UNAVAILABLE    VALUE 16.
           05  JTAB-HTTP-STATUS        PIC S9(9) COMP VALUE 0.
           05  JTAB-REASON             PIC X(40) VALUE SPACES.
           05  JTAB-MESSAGE            PIC X(80) VALUE SPACES.
      *>   The first entry that was refused, and how many were.
           05  JTAB-FIRST-REFUSED      PIC S9(9) COMP VALUE 0.
           05  JTAB-HOW-MANY-REFUSED   PIC S9(9) COMP VALUE 0.
           05  FILLER                  PIC X(32) VALUE SPACES.
           05  JTAB-ENTRY              OCCURS :N: TIMES.
      *>       What goes in: a card number or a token. Length 0: up
      *>       to the blanks at its end.
               10  JTAB-VALUE          PIC X(32) VALUE SPACES.
               10  JTAB-VALUE-LENGTH   PIC S9(9) COMP VALUE 0.
      *>       What comes out; blank, with length 0, if nothing does.
               10  JTAB-RESULT         PIC X(32) VALUE SPACES.
               10  JTAB-RESULT-LENGTH  PIC S9(9) COMP VALUE 0.
      *>       How this entry ended.
               10  JTAB-ITEM-CODE      PIC S9(9) COMP VALUE 0.
               10  JTAB-ITEM-STATUS    PIC S9(9) COMP VALUE 0.
               10  JTAB-ITEM-REASON    PIC X(40) VALUE SPACES.
