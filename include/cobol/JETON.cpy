      *> SPDX-License-Identifier: Apache-2.0
      *> The area of CALL "JETON" USING JETON-AREA, for one card a
      *> call. JETONTAB.cpy is for many. See docs/cobol.md.
      *> Do not INITIALIZE it as a whole: the version must stay.
       01  JETON-AREA.
      *>   The version of this layout; it tells the byte order, too.
           05  JETON-VERSION           PIC S9(9) COMP VALUE 1.
           05  FILLER                  PIC X(8)  VALUE "JETON".
           05  JETON-FUNCTION          PIC X(4)  VALUE SPACES.
               88  JETON-OPEN          VALUE "OPEN".
               88  JETON-TOKENIZE      VALUE "TOKN".
               88  JETON-DETOKENIZE    VALUE "DETK".
               88  JETON-MASK          VALUE "MASK".
               88  JETON-CLOSE         VALUE "CLOS".
      *>   The protected field of the service, as "pan".
           05  JETON-FIELD             PIC X(64) VALUE SPACES.
           05  FILLER                  PIC S9(9) COMP VALUE 1.
           05  FILLER                  PIC S9(9) COMP VALUE 1.
      *>   How the call ended; RETURN-CODE has the same number.
           05  JETON-RETURN-CODE       PIC S9(9) COMP VALUE 0.
               88  JETON-DONE          VALUE 0.
               88  JETON-REFUSED       VALUE 4.
               88  JETON-CALL-WRONG    VALUE 8.
               88  JETON-DENIED        VALUE 12.
               88  JETON-UNAVAILABLE   VALUE 16.
           05  JETON-HTTP-STATUS       PIC S9(9) COMP VALUE 0.
           05  JETON-REASON            PIC X(40) VALUE SPACES.
           05  JETON-MESSAGE           PIC X(80) VALUE SPACES.
           05  FILLER                  PIC S9(9) COMP VALUE 0.
           05  FILLER                  PIC S9(9) COMP VALUE 0.
           05  FILLER                  PIC X(32) VALUE SPACES.
      *>   What goes in: a card number or a token. Length 0: up to
      *>   the blanks at its end.
           05  JETON-VALUE             PIC X(32) VALUE SPACES.
           05  JETON-VALUE-LENGTH      PIC S9(9) COMP VALUE 0.
      *>   What comes out; blank, with length 0, if nothing does.
           05  JETON-RESULT            PIC X(32) VALUE SPACES.
           05  JETON-RESULT-LENGTH     PIC S9(9) COMP VALUE 0.
           05  FILLER                  PIC S9(9) COMP VALUE 0.
           05  FILLER                  PIC S9(9) COMP VALUE 0.
           05  FILLER                  PIC X(40) VALUE SPACES.
